# Debian 13's libraries, each as one target. Nothing is downloaded and nothing is copied into the tree.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.5 REQUIRED)
pkg_check_modules(liburing REQUIRED IMPORTED_TARGET liburing>=2.9)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2>=1.64)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET libcares>=1.34)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq>=17.6)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis>=1.2 hiredis_ssl>=1.2)
pkg_check_modules(fmt REQUIRED IMPORTED_TARGET fmt>=10)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson>=3.12)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus>=3.4)
pkg_check_modules(cli11 REQUIRED IMPORTED_TARGET CLI11)

# llhttp statically: it is called several times per request, and a direct call needs no PLT entry.
find_library(llhttp_library NAMES libllhttp.a REQUIRED)
find_path(llhttp_include llhttp.h REQUIRED)
add_library(sk_llhttp INTERFACE)
target_link_libraries(sk_llhttp INTERFACE ${llhttp_library})
target_include_directories(sk_llhttp SYSTEM INTERFACE ${llhttp_include})

# mimalloc replaces malloc and operator new for the whole process when the dynamic linker meets it before
# the C++ and C libraries. Nothing refers to it by name, hence --no-as-needed. It comes first in sk_binary.
add_library(sk_binary INTERFACE)
if(SK_MIMALLOC)
  find_library(mimalloc_library mimalloc REQUIRED)
  target_link_options(sk_binary INTERFACE LINKER:--push-state,--no-as-needed ${mimalloc_library} LINKER:--pop-state)
endif()
