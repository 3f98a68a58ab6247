# How modules, programs and their tests are declared, and the libraries from outside.
find_path(FMT_INCLUDE fmt/format-inl.h REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_path(PUGIXML_INCLUDE pugixml.hpp REQUIRED)
find_library(PUGIXML_LIBRARY NAMES libpugixml.a REQUIRED)
find_path(EDIT_INCLUDE histedit.h REQUIRED)
find_library(EDIT_LIBRARY NAMES libedit.a REQUIRED)
find_library(BSD_LIBRARY NAMES libbsd.a REQUIRED)
find_library(MD_LIBRARY NAMES libmd.a REQUIRED)
find_library(TINFO_LIBRARY NAMES libtinfo.a REQUIRED)

add_library(pugixml_static INTERFACE)
target_include_directories(pugixml_static SYSTEM INTERFACE ${PUGIXML_INCLUDE})
target_link_libraries(pugixml_static INTERFACE ${PUGIXML_LIBRARY})

add_library(edit_static INTERFACE)
target_include_directories(edit_static SYSTEM INTERFACE ${EDIT_INCLUDE})
target_link_libraries(edit_static INTERFACE ${EDIT_LIBRARY} ${BSD_LIBRARY} ${MD_LIBRARY} ${TINFO_LIBRARY})

# Asio and Beast compiled once, in src/http/asio_impl.cpp, instead of in every file that includes them.
add_library(asio INTERFACE)
target_include_directories(asio SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                           BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(asio INTERFACE Threads::Threads)

if(SUP_TESTS AND NOT SUP_FUZZ)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  find_library(RAPIDCHECK_LIBRARY NAMES rapidcheck)
  find_path(RAPIDCHECK_INCLUDE rapidcheck.h)
endif()

# sup_module(NAME DEPS modules... LIBS libraries...): src/NAME/*.cpp as a static library; its *_test.cpp beside it,
# together with tests/support, as the program NAME_test.
function(sup_module name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*_test.cpp)
  list(REMOVE_ITEM sources ${tests} "")
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} ${scope} ${ARG_DEPS} ${ARG_LIBS})
  if(tests AND SUP_TESTS AND NOT SUP_FUZZ)
    add_executable(${name}_test ${tests})
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests ${RAPIDCHECK_INCLUDE})
    target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)  # they are built oftener than they run
    target_link_libraries(${name}_test PRIVATE ${name} GTest::gmock GTest::gtest_main ${RAPIDCHECK_LIBRARY})
    gtest_discover_tests(${name}_test PROPERTIES TIMEOUT 120 DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

# sup_program(NAME DEPS modules...): apps/NAME.cpp as build/<preset>/bin/NAME.
function(sup_program name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  add_executable(${name} ${CMAKE_SOURCE_DIR}/apps/${name}.cpp)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} ${ARG_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()
