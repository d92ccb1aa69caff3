# SPDX-License-Identifier: Apache-2.0
# How libraries and tests of this project are declared. Warnings are errors everywhere.
set(VP_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wvla -Werror)
set(VP_C_WARNINGS -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
# In C a structure and a function may share a name (struct cpu_stats, cpu_stats()); plain -Wshadow of g++ objects.
set(VP_CXX_WARNINGS -Wshadow=local)

# Instrumented expressions confuse these two: the release build has them as errors.
if(VP_SANITIZE)
    list(APPEND VP_WARNINGS -Wno-conversion -Wno-maybe-uninitialized)
endif()

function(vp_common_options target)
    target_compile_options(${target} PRIVATE ${VP_WARNINGS} $<$<COMPILE_LANGUAGE:C>:${VP_C_WARNINGS}>
                           $<$<COMPILE_LANGUAGE:CXX>:${VP_CXX_WARNINGS}>)
endfunction()

# A C core: plain C17, no SystemC.
function(vp_core_library name)
    add_library(${name} STATIC ${ARGN})
    vp_common_options(${name})
endfunction()

# A SystemC shell.
function(vp_shell_library name)
    add_library(${name} STATIC ${ARGN})
    vp_common_options(${name})
    target_link_libraries(${name} PUBLIC SystemC::systemc)
endfunction()

# vp_install(TARGET HEADERS...): makes the library part of the package uintr_vp, as uintr_vp::NAME without `vp_`, and installs
# the headers that its users need, all into one folder: <uintr_vp/NAME.h>.
function(vp_install target)
    string(REGEX REPLACE "^vp_" "" exported ${target})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${exported})
    target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:include>)
    install(TARGETS ${target} EXPORT uintr_vp ARCHIVE DESTINATION lib/uintr_vp)
    install(FILES ${ARGN} DESTINATION include/uintr_vp)
endfunction()

# vp_unit_test(NAME LABEL unit|shell|check SOURCES ... LIBS ...): a googletest executable. Tests labelled `shell` bring
# their own sc_main.
function(vp_unit_test name)
    cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    vp_common_options(${name})
    target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gtest)
    if(NOT ARG_LABEL STREQUAL "shell")
        target_link_libraries(${name} PRIVATE GTest::gtest_main)
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${ARG_LABEL}.${name} COMMAND ${name})
    set_tests_properties(${ARG_LABEL}.${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 600)
endfunction()
