/* The field numbers of profile.proto.
 * Source: github.com/google/pprof/proto/profile.proto. */
#ifndef LW_PROFILE_PROTO_FIELDS_H
#define LW_PROFILE_PROTO_FIELDS_H

enum profile_field {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE,
    PROFILE_MAPPING,
    PROFILE_LOCATION,
    PROFILE_FUNCTION,
    PROFILE_STRING,
    PROFILE_DROP_FRAMES,
    PROFILE_KEEP_FRAMES,
    PROFILE_TIME_NANOS,
    PROFILE_DURATION_NANOS,
    PROFILE_PERIOD_TYPE,
    PROFILE_PERIOD,
    PROFILE_COMMENT,
    PROFILE_DEFAULT_SAMPLE_TYPE,
    PROFILE_HEAD_FIELDS,
};

enum value_type_field { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT };

enum sample_field { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };

enum label_field { LABEL_KEY = 1, LABEL_STR, LABEL_NUM, LABEL_UNIT };

enum mapping_field {
    MAPPING_ID = 1,
    MAPPING_START,
    MAPPING_LIMIT,
    MAPPING_OFFSET,
    MAPPING_FILE,
    MAPPING_BUILD_ID,
    MAPPING_HAS_FUNCTIONS,
    MAPPING_HAS_FILENAMES,
    MAPPING_HAS_LINE_NUMBERS,
    MAPPING_HAS_INLINE_FRAMES,
};

enum location_field {
    LOCATION_ID = 1,
    LOCATION_MAPPING,
    LOCATION_ADDRESS,
    LOCATION_LINE,
    LOCATION_IS_FOLDED,
};

enum line_field { LINE_FUNCTION = 1, LINE_LINE };

enum function_field {
    FUNCTION_ID = 1,
    FUNCTION_NAME,
    FUNCTION_SYSTEM_NAME,
    FUNCTION_FILENAME,
    FUNCTION_START_LINE,
};

/* Marks a profile made from debug=1 text, whose stacks lack the runtime frames
 * of Go's own protobuf. pprof keeps comments and hides those that start with #. */
#define PROTO_COMMENT_TEXT "# made by leakwatch from debug=1 text"

#endif
