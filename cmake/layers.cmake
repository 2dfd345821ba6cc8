# sk_layer(NAME sources... LINK targets...): a static library of ours. A folder that has no source file yet
# still configures: its library holds only an empty one.
function(sk_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${PROJECT_BINARY_DIR}/generated/${name}_empty.cpp)
    file(CONFIGURE OUTPUT ${arg_SOURCES} CONTENT "")
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC sk_options ${arg_LINK})
endfunction()

# sk_executable(NAME sources... LINK targets...): a program in build/<preset>/bin, allocating with mimalloc.
function(sk_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE sk_binary ${arg_LINK} sk_options)
endfunction()
