# Language, warnings, hardening and sanitizers: the same for everything that is built.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
                    -Wswitch-enum -Werror=switch-enum -Werror=return-type -fno-plt -ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # What libstdc++ marks so for others, std::stable_sort uses itself. Designated initializers leave out on purpose.
  add_compile_options(-Wno-deprecated-declarations -Wno-missing-designated-field-initializers)
endif()

if(SUP_SANITIZE)
  add_compile_options(-fsanitize=${SUP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 -g1)
  # g++ 12 sees uninitialised values that are none in instrumented code: its manual warns of that combination.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  add_link_options(-fsanitize=${SUP_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS SUP_SANITIZED=1)
else()
  add_compile_options(-fstack-protector-strong)
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_link_options(-static-libstdc++ -static-libgcc)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
  add_link_options(-s)
endif()
