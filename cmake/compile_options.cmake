# How everything of ours is compiled. The presets choose; the defaults here are those of a plain `cmake`.

option(SK_WERROR "Warnings are errors" OFF)
option(SK_MIMALLOC "Binaries allocate with mimalloc" ON)
option(SK_TESTS "Build the tests" ON)
option(SK_BENCHES "Build the benchmarks" OFF)
set(SK_SANITIZE "" CACHE STRING "Value of -fsanitize=, or nothing")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(SK_CCACHE ccache)
if(SK_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${SK_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SK_CCACHE})
endif()

# sk_options: what every target of ours compiles and links with.
add_library(sk_options INTERFACE)
target_compile_options(sk_options INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(SK_WERROR)
  target_compile_options(sk_options INTERFACE -Werror)
endif()
target_include_directories(sk_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
if(SK_SANITIZE)
  # g++ cannot see through the checks it has inserted and then warns of values that are always set.
  target_compile_options(sk_options INTERFACE -fsanitize=${SK_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(sk_options INTERFACE -fsanitize=${SK_SANITIZE})
endif()

# sidekick_version.h: the one place where C++ learns VERSION.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS VERSION)
configure_file(cmake/sidekick_version.h.in generated/sidekick_version.h @ONLY)
