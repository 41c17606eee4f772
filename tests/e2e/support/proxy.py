"""An nginx that ends TLS before a server, as a plain process: nothing of it is installed as a service or runs as root's."""

import pathlib
import socket
import subprocess
import tempfile
import time

from .certificates import certificates
from .ports import free_port

CONFIG = """\
daemon off;
master_process off;
pid {dir}/pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  map $http_upgrade $connection_header {{ default upgrade; "" close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {pair.certificate};
    ssl_certificate_key {pair.key};
    location / {{
      proxy_pass {backend};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


class Proxy:
    """https and wss on `address` for the server at `backend`, an http:// or https:// URL."""

    def __init__(self, backend):
        self._dir = tempfile.TemporaryDirectory(prefix="duplexd-nginx-")
        self.port = free_port()
        self.address = f"localhost:{self.port}"
        path = pathlib.Path(self._dir.name) / "nginx.conf"
        path.write_text(CONFIG.format(dir=self._dir.name, port=self.port, backend=backend, pair=certificates().valid))
        self._log = open(pathlib.Path(self._dir.name) / "log", "w+", encoding="utf-8")
        self._process = subprocess.Popen(["/usr/sbin/nginx", "-e", "stderr", "-c", path, "-p", self._dir.name],
                                         stdin=subprocess.DEVNULL, stderr=self._log)
        try:
            self._wait_ready()
        except AssertionError:
            self.__exit__()
            raise

    def _wait_ready(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        self._log.seek(0)
        raise AssertionError("nginx does not listen: " + self._log.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._dir.cleanup()
