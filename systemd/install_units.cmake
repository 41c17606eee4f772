# Runs during installation: writes both units from the one template, and makes the directory that they read.
cmake_path(ABSOLUTE_PATH DUPLEXD_BINDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}")
cmake_path(ABSOLUTE_PATH DUPLEXD_DOCDIR BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}")

function(install_unit name DUPLEXD_INSTANCE)
  configure_file("${DUPLEXD_TEMPLATE}" "${DUPLEXD_CONFIGURED}/${name}" @ONLY)
  file(INSTALL "${DUPLEXD_CONFIGURED}/${name}" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
endfunction()
install_unit(duplexd.service duplexd)
install_unit(duplexd@.service %i)

# One socket for operators and one for viewers, of the service and of each instance; none is enabled.
function(install_socket name DUPLEXD_SOCKET DUPLEXD_GROUP DUPLEXD_FILE DUPLEXD_SERVICE)
  configure_file("${DUPLEXD_SOCKET_TEMPLATE}" "${DUPLEXD_CONFIGURED}/${name}" @ONLY)
  file(INSTALL "${DUPLEXD_CONFIGURED}/${name}" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
endfunction()
install_socket(duplexd.socket control duplexd control duplexd.service)
install_socket(duplexd@.socket control duplexd control-%i duplexd@%i.service)
install_socket(duplexd-view.socket view duplexd-view view duplexd.service)
install_socket(duplexd-view@.socket view duplexd-view view-%i duplexd@%i.service)

# Without it LoadCredential would fail. Who may not write to /etc installs for a purpose of his own, and goes without.
set(directory "$ENV{DESTDIR}/etc/duplexd/credentials")
execute_process(COMMAND mkdir -p -m 0700 "${directory}" RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  message(STATUS "Not made: ${directory} (mode 0700), which the systemd units need")
endif()
