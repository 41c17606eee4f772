#pragma once

namespace duplexd {

/// What the process tells whoever started it: codes of sysexits.h, which systemd knows by name. Documented in
/// README.md; `RestartPreventExitStatus=` in the unit keeps systemd from restarting what a restart cannot
/// mend.
enum exit_code : int {
  exit_success = 0,      ///< clean end: scripts done (`--once`), or stopped by a signal
  exit_case_failed = 1,  ///< test: a case failed
  exit_usage = 64,       ///< bad command line
  exit_data = 65,        ///< encode, decode or an example: the data does not fit its layout; journal: damaged
  exit_no_daemon = 66,  ///< status, send …: no daemon answers at the control socket; journal: it is not there
  exit_fatal_fault = 69,     ///< a fault that the configuration calls fatal, or any fault with `--once`
  exit_internal = 70,        ///< a bug, or the operating system refused something essential
  exit_refused = 73,         ///< status, send …: the daemon refused, or the command came to another end
  exit_output_closed = 74,   ///< the reader closed stdout
  exit_interrupted = 75,     ///< a second signal or the limit cut the end short, or events were lost
  exit_differs = 76,         ///< simulate --replay: the client did not do what it did in the capture
  exit_login_rejected = 77,  ///< the server refused the login and the configuration calls that fatal
  exit_config = 78,          ///< bad configuration; nothing was started

  // probe: the phase that failed.
  exit_probe_prepare = 20,    ///< a reference has no value, or a step before the dial failed
  exit_probe_dns = 21,        ///< the server's name, or the proxy's
  exit_probe_tcp = 22,        ///< no connection
  exit_probe_proxy = 23,      ///< the proxy does not connect us on
  exit_probe_tls = 24,        ///< the TLS handshake, the certificate above all
  exit_probe_websocket = 25,  ///< the WebSocket handshake: another HTTP status than 101
  exit_probe_login = 26,      ///< rejected, or not answered in time
  exit_probe_reply = 27,      ///< nothing came from the server
};

}  // namespace duplexd
