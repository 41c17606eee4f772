# Runs during installation: writes what the program itself knows best. The program is run for it, so a cross build needs the
# emulation of the target's machine (binfmt_misc with qemu-user).
set(data "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${DUPLEXD_DATADIR}")

function(install_output file)  # install_output(FILE ARGUMENTS...): what `duplexd ARGUMENTS...` prints
  cmake_path(GET file PARENT_PATH directory)
  file(MAKE_DIRECTORY "${directory}")
  execute_process(COMMAND "${DUPLEXD_PROGRAM}" ${ARGN} OUTPUT_FILE "${file}" COMMAND_ERROR_IS_FATAL ANY)
  message(STATUS "Installing: ${file}")
endfunction()

# zsh of Debian looks below /usr/local, where it looks below /usr, elsewhere.
set(zsh site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(zsh vendor-completions)
endif()
install_output("${data}/bash-completion/completions/duplexd" completion bash)
install_output("${data}/zsh/${zsh}/_duplexd" completion zsh)
install_output("${data}/fish/vendor_completions.d/duplexd.fish" completion fish)

# Manual pages, compressed as Debian wants them.
foreach(page IN ITEMS duplexd.1 duplexd.yaml.5)
  cmake_path(GET page EXTENSION LAST_ONLY section)
  string(REPLACE "." "man" section "${section}")
  set(directory "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${DUPLEXD_MANDIR}/${section}")
  file(MAKE_DIRECTORY "${directory}")
  execute_process(COMMAND python3 "${DUPLEXD_MANUAL}" "${DUPLEXD_PROGRAM}" "${DUPLEXD_MANUAL_DATE}" ${page}
    COMMAND gzip --best --no-name OUTPUT_FILE "${directory}/${page}.gz" COMMAND_ERROR_IS_FATAL ANY)
  message(STATUS "Installing: ${directory}/${page}.gz")
endforeach()
