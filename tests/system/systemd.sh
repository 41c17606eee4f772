#!/bin/bash
# The installed units under a real systemd: PID 1 of a container made of Debian's packages, with nothing but lo. Then the same
# from the Debian package: installed, upgraded, removed, purged.
# systemd.sh [PRESET]: what is installed is build/PRESET, by default the release build. The server is
# tests/e2e/peers/websockets_server.py, which reports what it sees to the journal.
# shellcheck disable=SC2016,SC2317  # functions are called by name, through check; awk and sed have dollars of their own
set -uo pipefail
# shellcheck source=tests/system/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

preset=${1:-release}
need_commands systemd-analyze cmake openssl lintian
work=$(mktemp -d)
leader=
cleanup() {
  [[ -z $leader ]] || inside systemctl --no-block poweroff >/dev/null 2>&1
  if [[ -n ${container:-} ]]; then
    for _ in {1..50}; do kill -0 "$container" 2>/dev/null && sleep 0.1; done
    kill -KILL "$container" 2>/dev/null
    wait "$container" 2>/dev/null
  fi
  rm -rf "$work"
}
trap cleanup EXIT

# 1. The units as they are installed, without running them.
installed=$work/installed
units=$installed/usr/lib/systemd/system
debug_file() { (cd "$installed" && find . -name '*.debug' -size +1M | cut -c 2-); }
install_all() { DESTDIR=$installed cmake --install "$root/build/$preset" --prefix /usr; }
check "it installs" install_all || finish
is "the debug information lies beside the program" /usr/bin/.debug/duplexd.debug debug_file
is "credentials are for root alone" 700 stat --format %a "$installed/etc/duplexd/credentials"
for unit in duplexd.service duplexd@.service; do
  check "$unit names the installed binary" grep -q '^ExecStart=/usr/bin/duplexd run -c /etc/duplexd/' "$units/$unit"
  # The threshold is in tenths: exposed to at most 2.0.
  check "$unit is well hardened" systemd-analyze security --offline=true --threshold=20 --no-pager "$units/$unit"
  echo "   $(systemd-analyze security --offline=true --no-pager "$units/$unit" | tail -n 1)"
done

[[ $(id -u) -eq 0 ]] || skip "needs root to start a container"
need_commands systemd-nspawn mmdebstrap nsenter
unshare --mount --pid --net --fork true 2>/dev/null || skip "namespaces are not allowed here"
echo "== a Debian with systemd"
machine=$work/machine
mapfile -t runtime < <("$root/scripts/packages" runtime)
make_rootfs systemd systemd systemd-sysv dbus libnss-systemd python3-websockets "${runtime[@]}" ||
  skip "no Debian could be made (no mirror within reach?)"
cp -a --reflink=auto "$rootfs" "$machine"
cp -a "$installed/." "$machine/"
echo "127.0.0.1 localhost" >"$machine/etc/hosts"

# 2. A configuration: the reference session, with its login name as a credential.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$machine/etc/key.pem" -out "$machine/etc/duplexd/ca.pem" 2>/dev/null
cp "$root/tests/e2e/peers/websockets_server.py" "$machine/opt/"
(umask 077 && echo secret-agent >"$machine/etc/duplexd/credentials/agent")
reference() {  # reference PORT
  sed -e "s|^\( *url:\).*|\1 wss://localhost:$1/|" -e 's|\${env:AGENT_ID}|${credential:duplexd_agent}|' "$root/config/examples/reference.yaml"
}
reference 2443 >"$machine/etc/duplexd/duplexd.yaml"
{
  printf 'outputs:\n  store: {type: sqlite, path: /var/lib/duplexd/second/feed.db}\n'
  printf '  entries: {type: journald, severity: notice, app_name: feed, format: ndjson}\n'
  reference 2444 | sed 's/outputs: \[stdout\]/outputs: [stdout, store, entries]/'
} >"$machine/etc/duplexd/second.yaml"
install -d "$machine/etc/systemd/system/duplexd.service.d"
printf '[Service]\nWatchdogSec=3s\nRestartSec=200ms\n' >"$machine/etc/systemd/system/duplexd.service.d/quick.conf"

# 3. Boot.
echo "== booting"
for unit in console-getty.service getty@tty1.service; do ln -sf /dev/null "$machine/etc/systemd/system/$unit"; done
mkdir -p "$machine/var/log/journal"
systemd-nspawn --boot --quiet --directory "$machine" --machine "duplexd-$$" --private-network --register=no --keep-unit \
  --console=pipe --kill-signal=SIGRTMIN+3 </dev/null >"$work/console.log" 2>&1 &
container=$!
inside() { nsenter --target "$leader" --all -- "$@"; }
find_leader() { leader=$(pgrep --parent "$container" --exact systemd); }
is_up() {
  local state
  state=$(inside systemctl is-system-running 2>&1)
  [[ $state == running || $state == degraded ]] || { echo "$state"; return 1; }
}
for _ in {1..100}; do
  find_leader && break
  kill -0 "$container" 2>/dev/null || skip "systemd-nspawn cannot start a container here: $(tail -n 1 "$work/console.log")"
  sleep 0.1
done
CHECK_SECONDS=60 check "systemd boots" is_up || { tail -n 20 "$work/console.log"; finish; }
property() { inside systemctl show --property "$1" --value "${2:-duplexd}"; }
journal() { inside journalctl --unit "$1" --output cat --no-pager; }
errors_of() { inside journalctl --unit "$1" --priority err --output cat --no-pager; }
main_pid() { property MainPID; }
restart_count() { is "$1" "$2" property NRestarts; }
logins() { journal "$1" | grep -c '"what": "message", "kind": "text"'; }
peer() { inside systemd-run --quiet --unit "$1" /usr/bin/python3 /opt/websockets_server.py "$2" /etc/duplexd/ca.pem /etc/key.pem; }

check "systemd finds no fault in the units" inside systemd-analyze verify --man=no duplexd.service duplexd@second.service duplexd.socket duplexd-view.socket duplexd@second.socket

# 4. READY comes without a server; the link follows when there is one.
echo "== running"
check "the unit starts" inside systemctl start duplexd
is "and is ready before there is a server" active property ActiveState
check "its status tells that" has '^0 of 1 ' property StatusText
check "the journal tells why" has 'connect: .*next attempt' journal duplexd
check "a server appears" peer peer 2443
CHECK_SECONDS=60 check "and is found" has '^1 of 1 ' property StatusText
login=$(printf '{"role": "admin", "user_id": "secret-agent"}' | od -An -v -tx1 | tr -d ' \n')
check "the login holds the credential" has "$login" journal peer
check "replies are events in the journal" has '"event":"reply"' journal duplexd
shown() { journal duplexd | grep -c secret-agent; }
is "and no line there shows the credential" 0 shown
without() { ! inside duplexd check /etc/duplexd/duplexd.yaml; }
check "without its credentials the configuration is not valid" without
check "with those of the unit it is" inside duplexd check --unit duplexd
check "and its server grants the login" has 'login' inside duplexd probe --unit duplexd
user_of() { inside awk '$1 == "Uid:" { print ($2 >= 61184 && $2 <= 65519) ? "dynamic" : $2 }' "/proc/$(main_pid)/status"; }
is "it runs as a dynamic user" dynamic user_of
limit_of() { inside awk '/^Max open files/ { print $4 }' "/proc/$(main_pid)/limits"; }
most=$(ulimit -H -n)  # without CAP_SYS_RESOURCE not even systemd can give more than it has
[[ $most != unlimited && $most -lt 65536 ]] || most=65536
is "and may open $most files (65536, unless this machine sets a lower limit)" "$most" limit_of

# 5. An operator looks, and changes the configuration.
echo "== reloading"
check "root may ask how it is" has '^callcentre +up ' inside duplexd status
cp "$machine/etc/duplexd/duplexd.yaml" "$work/duplexd.yaml"
sed -i 's|^\( *\)url:|\1linger: 7s\n\1url:|' "$machine/etc/duplexd/duplexd.yaml"
check "a changed configuration is taken" inside systemctl reload duplexd
check "the journal says so" has 'configuration reloaded: .* 1 reconnect' journal duplexd
CHECK_SECONDS=20 is "the session logs in again, as the probe did" 3 logins peer
echo 'ulr: x' >>"$machine/etc/duplexd/duplexd.yaml"
refused() { ! inside systemctl reload duplexd; }
check "one with a mistake is refused" refused
check "the journal says why" has "nothing has changed: .*ulr" journal duplexd
is "it goes on" active property ActiveState
is "without a restart" 0 property NRestarts
cp "$work/duplexd.yaml" "$machine/etc/duplexd/duplexd.yaml"

# Operators and viewers are told apart by the socket that they may open.
echo "== operators"
check "the groups are made" inside systemd-sysusers
for user in alice:duplexd viewer:duplexd-view stranger:nogroup; do
  check "there is a ${user%:*}" inside useradd --no-create-home --groups "${user#*:}" "${user%:*}"
done
check "the unit stops" inside systemctl stop duplexd
check "its sockets are opened" inside systemctl start duplexd.socket duplexd-view.socket
is "for the operators' group" "660 root duplexd" inside stat --format '%a %U %G' /run/duplexd/control.sock
is "and for the viewers'" "660 root duplexd-view" inside stat --format '%a %U %G' /run/duplexd/view.sock
as() { inside runuser --user "$@"; }
CHECK_SECONDS=30 check "an operator's request starts the service" has '^callcentre ' as alice -- duplexd status
is "which runs" active property ActiveState
check "it says where it listens" has 'control listens on /run/duplexd/view.sock \(view only\)' journal duplexd
CHECK_SECONDS=20 check "an operator pauses" as alice -- duplexd pause callcentre
check "the journal says who" has 'pauseSession callcentre by uid [0-9]+, pid [0-9]+ \(duplexd\)' journal duplexd
check "a viewer sees it" has '^callcentre +paused ' as viewer -- duplexd status
denied() {  # denied WHY COMMAND...
  local why=$1
  shift
  ! as "$@" >"$work/denied" 2>&1 && has "$why" cat "$work/denied"
}
check "but may not end it" denied 'needs the role operate' viewer -- duplexd resume callcentre
check "another user sees nothing" denied 'no permission' stranger -- duplexd status --socket /run/duplexd/control.sock
check "nor through the other socket" denied 'no permission' stranger -- duplexd status --socket /run/duplexd/view.sock
check "nor through the service's own" denied 'no permission' stranger -- duplexd status
check "an operator ends the pause" as alice -- duplexd resume callcentre
check "the sockets stay over a restart" inside systemctl restart duplexd
CHECK_SECONDS=20 check "and are used again" has '^callcentre +up ' as alice -- duplexd status
check "they are closed" inside systemctl stop duplexd.socket duplexd-view.socket
gone() { ! inside test -e /run/duplexd/control.sock; }
check "and gone" gone
check "the service starts without them" inside systemctl restart duplexd
CHECK_SECONDS=20 check "and logs in" has '^callcentre +up ' inside duplexd status
logins_before=$(logins peer)
has_logged_in() { [[ $(logins peer) -eq $((logins_before + $1)) ]]; }  # so often since

# 6. Restarts.
echo "== a hang, a crash"
inside systemctl kill --kill-who=main --signal=STOP duplexd
CHECK_SECONDS=40 restart_count "a hung process is found by the watchdog and restarted" 1
check "the journal says so" has '[Ww]atchdog timeout' journal duplexd
CHECK_SECONDS=20 check "it logs in again" has_logged_in 1
inside systemctl kill --kill-who=main --signal=KILL duplexd
CHECK_SECONDS=20 restart_count "a killed process is restarted" 2
CHECK_SECONDS=20 check "it logs in again" has_logged_in 2

# 7. The end, in order.
echo "== stopping"
closes() { journal peer | grep '"what": "close"' | tail -n 1; }
check "the unit stops" inside systemctl stop duplexd
is "cleanly" success property Result
is "with exit code 0" 0 property ExecMainStatus
check "the server saw a close frame" has '"code": (1000|1001)' closes

# 8. What a restart cannot mend is not restarted.
echo "== faults that stay"
stays_failed() {  # stays_failed WHAT EXIT_CODE
  inside systemctl reset-failed duplexd 2>/dev/null
  inside systemctl start duplexd 2>/dev/null
  is "$1 ends the unit" failed property ActiveState
  is "with exit code $2" "$2" property ExecMainStatus
  sleep 1  # five times RestartSec
  is "and it is not tried again" failed property ActiveState
  restart_count "not once" 0
}
sed -i 's/^\( *\)url:/\1ulr:/' "$machine/etc/duplexd/duplexd.yaml"
stays_failed "a bad configuration" 78
check "and the journal tells the place" has '/etc/duplexd/duplexd.yaml:[0-9]+:[0-9]+: .*ulr' journal duplexd
check "as an error" has '/etc/duplexd/duplexd.yaml:[0-9]+:[0-9]+: .*ulr' errors_of duplexd
reference 1 | sed 's/^\( *\)url: .*/&\n\1reconnect: {fatal: [connect]}/' >"$machine/etc/duplexd/duplexd.yaml"
stays_failed "a fault that the configuration calls fatal" 69

# 9. The template unit.
echo "== an instance of the template"
check "its server appears" peer peer2 2444
check "it starts" inside systemctl start duplexd@second
CHECK_SECONDS=20 is "it logs in" 1 logins peer2
CHECK_SECONDS=10 check "its output writes to its state directory" test -s "$machine/var/lib/private/duplexd/second/feed.db"
entries() { inside journalctl SYSLOG_IDENTIFIER=feed SESSION=callcentre REPLY=reply PRIORITY=5 _SYSTEMD_UNIT=duplexd@second.service --output cat --no-pager; }
check "and its events are entries of the journal, which can be asked for" has '^\{"code":' entries
check "it stops" inside systemctl stop duplexd@second
is "cleanly" success property Result duplexd@second

# 9. The Debian package, in the place of what was copied there. An older version differs in the configuration that it brings.
echo "== the package"
debs=$root/build/deb
CHECK_SECONDS=0 check "it is made" "$root/scripts/deb" || finish
check "lintian finds no mistake in it" lintian --allow-root --fail-on error,warning "$debs"/duplexd*.deb
symbols_fit() {
  local id
  id=$(dpkg-deb --fsys-tarfile "$debs"/duplexd_*.deb | tar -xO ./usr/bin/duplexd >"$work/program" && readelf --notes "$work/program" |
    sed -n 's|.*Build ID: \(..\)\(.*\)|\1/\2|p')
  [[ -n $id ]] && has "/usr/lib/debug/.build-id/$id.debug\$" dpkg-deb --contents "$debs"/duplexd-dbgsym_*.deb
}
check "the debug information is that of the program" symbols_fit
make_older() {
  dpkg-deb --raw-extract "$debs"/duplexd_*.deb "$work/older" &&
    sed -i 's/^Version: .*/Version: 0.0.1-1/' "$work/older/DEBIAN/control" &&
    echo '# of the older version' >>"$work/older/etc/duplexd/duplexd.yaml" &&
    dpkg-deb --build "$work/older" "$machine/opt/older.deb"
}
check "and an older version of it" make_older
cp "$debs"/duplexd_*.deb "$machine/opt/newer.deb"
ca=$(cat "$machine/etc/duplexd/ca.pem")
(cd "$installed" && find . -type f -print0) | (cd "$machine" && xargs -0 rm -f)
inside rm -rf /etc/duplexd /etc/systemd/system/duplexd.service.d /var/lib/private/duplexd /var/lib/duplexd
inside systemctl daemon-reload
inside systemctl reset-failed 2>/dev/null

package() { inside env DEBIAN_FRONTEND=noninteractive dpkg --force-confold "$@"; }
configured() {  # a session that stores its replies durably
  printf 'outputs: {store: {type: sqlite, path: /var/lib/duplexd/%s/feed.db, durable: true}}\n' "$1"
  reference "$2" | sed 's/outputs: \[stdout\]/outputs: [store]/'
}
ask() { inside python3 -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())' "$@"; }
rows() { ask "/var/lib/duplexd/$1/feed.db" 'select count(*) from reply'; }
journals() { ask "/var/lib/duplexd/$1/feed.db" "select count(distinct substr(_event_id, 1, instr(_event_id, ':'))) from reply"; }
has_more_rows() { local now; now=$(rows "$1") && [[ $now -gt $2 ]]; }
enabled() { inside systemctl is-enabled duplexd 2>&1; }
configuration() { inside cksum /etc/duplexd/duplexd.yaml; }

check "the older version is installed, with the libraries of scripts/packages alone" package --install /opt/older.deb
is "and not enabled: it has no session" disabled enabled
is "nor started" inactive property ActiveState
echo "$ca" >"$machine/etc/duplexd/ca.pem"
(umask 077 && echo secret-agent >"$machine/etc/duplexd/credentials/agent")
configured duplexd 2443 >"$machine/etc/duplexd/duplexd.yaml"
configured second 2444 >"$machine/etc/duplexd/second.yaml"
before=$(configuration)
check "it is enabled and started" inside systemctl enable --now duplexd
check "so is an instance" inside systemctl start duplexd@second
for unit in duplexd second; do
  CHECK_SECONDS=20 check "$unit stores replies" has_more_rows "$unit" 0
done
stored=$(rows duplexd) stored_second=$(rows second) old_pid=$(main_pid)

check "the newer version takes its place" package --install /opt/newer.deb
is "the configuration is the user's" "$before" configuration
is "it is still enabled" enabled enabled
is "it runs" active property ActiveState
another_process() { [[ $(main_pid) != "$old_pid" ]]; }
check "from the new program" another_process
CHECK_SECONDS=20 check "and stores more" has_more_rows duplexd "$stored"
CHECK_SECONDS=20 check "so does the instance" has_more_rows second "$stored_second"
is "in the same journal" 1 journals duplexd
check "an instance is stopped" inside systemctl stop duplexd@second
check "the same version is installed again" package --install /opt/newer.deb
is "and does not start it" inactive property ActiveState duplexd@second

stored=$(rows duplexd)
check "it is removed" package --remove duplexd
stopped() { ! inside pgrep --exact duplexd; }
check "and stopped" stopped
is "the configuration stays" "$before" configuration
has_at_least() { has_more_rows "$1" $(($2 - 1)); }
check "and what is stored" has_at_least duplexd "$stored"
check "it is purged" package --purge duplexd
left() { inside sh -c 'ls -d /var/lib/duplexd /var/lib/private/duplexd /etc/systemd/system/*/duplexd* /etc/duplexd/*' 2>/dev/null; }
is "what others put into /etc/duplexd stays, and nothing else" $'/etc/duplexd/ca.pem\n/etc/duplexd/credentials\n/etc/duplexd/second.yaml' left

mkdir -p "$machine/etc/systemd/system-preset"
echo 'enable duplexd.service' >"$machine/etc/systemd/system-preset/50-site.preset"
configured duplexd 2443 >"$machine/etc/duplexd/duplexd.yaml"
check "it is installed where a preset enables it and a configuration is there" package --install /opt/newer.deb
is "it is enabled" enabled enabled
CHECK_SECONDS=20 check "and stores replies" has_more_rows duplexd 0

if [[ $failed -gt 0 ]]; then
  echo "-- the journal of duplexd:"
  journal duplexd | grep -v '^{' | tail -n 60
fi
finish
