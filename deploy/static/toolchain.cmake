# For the preset `static`: musl and the libraries of deploy/static/deps, which
# builds them when they are not there yet.
if(NOT LW_STATIC_DEPS)
  execute_process(
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/deps
    OUTPUT_VARIABLE LW_STATIC_DEPS
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LW_STATIC_DEPS)

set(CMAKE_C_COMPILER ${LW_STATIC_DEPS}/bin/musl-gcc)
set(CMAKE_C_FLAGS_INIT "-fPIE -fno-asynchronous-unwind-tables")
set(CMAKE_C_FLAGS_RELEASE "-Os -DNDEBUG" CACHE STRING "") # the resident code counts, the speed hardly differs
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static-pie -s -Wl,-z,noexecstack")

set(CMAKE_PREFIX_PATH ${LW_STATIC_DEPS})
set(ENV{PKG_CONFIG_LIBDIR} ${LW_STATIC_DEPS}/lib/pkgconfig)
set(PKG_CONFIG_ARGN --static)
