# SPDX-License-Identifier: Apache-2.0
# The installed package: find_package(uintr_vp) gives uintr_vp::timing_model (what a timing plug-in needs), the C cores
# uintr_vp::{common,timing,uintr,lapic,memory,cpu}, with SystemC the modules uintr_vp::{uintr,lapic,memory,cpu}_shell, and the
# program uintr_vp::uintr-vp. Users: examples/.
include(CMakePackageConfigHelpers)
set(package_folder lib/cmake/uintr_vp)
install(EXPORT uintr_vp NAMESPACE uintr_vp:: DESTINATION ${package_folder} FILE uintr_vp-targets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/uintr_vp-config.cmake.in
    ${CMAKE_BINARY_DIR}/uintr_vp-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/uintr_vp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/uintr_vp-config.cmake ${CMAKE_BINARY_DIR}/uintr_vp-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/systemc.cmake DESTINATION ${package_folder})
