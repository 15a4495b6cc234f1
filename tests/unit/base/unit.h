/* cmocka and what its header wants before it. */
#ifndef LW_TESTS_UNIT_BASE_UNIT_H
#define LW_TESTS_UNIT_BASE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
