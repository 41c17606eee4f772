#!/bin/bash
# The images, for real: built from the Dockerfile with buildah, run with podman and runc as hardened as it goes, and stopped.
# Its build stage is replaced by the release build of this tree; `container.sh from-sources` runs it, which takes minutes.
# A simulator from the same image is the server; both share a network that has nothing but lo.
# shellcheck disable=SC2317  # functions are called by name, through check
set -uo pipefail
# shellcheck source=tests/system/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

[[ $(id -u) -eq 0 ]] || skip "needs root to build and run an image here"
need_commands buildah podman runc mmdebstrap
unshare --mount --pid --net --fork true 2>/dev/null || skip "namespaces are not allowed here"

image=localhost/duplexd:test
slim=localhost/duplexd:test-slim
most_bytes=60000000 # of the default image
name=duplexd-test-$$
work=$(mktemp -d)
cleanup() {
  podman rm --force --time 1 "$name-bare" "$name-slim" "$name-client" >/dev/null 2>&1
  podman rm --force --time 1 "$name-server" >/dev/null 2>&1 # last: the others use its network
  podman rmi --force "$image" "$slim" >/dev/null 2>&1
  rm -rf "$work"
}
trap cleanup EXIT

# 1. The base image: from a registry if it is at hand already, else one like it, from Debian's packages.
base=docker.io/library/debian:bookworm-slim
if ! podman image exists "$base"; then
  base=localhost/duplexd-base:bookworm
fi
if ! podman image exists "$base"; then
  echo "== a base image, from Debian's packages"
  make_rootfs debian.tar || skip "no Debian base could be made (no mirror within reach?)"
  podman import --quiet "$rootfs" "$base" || skip "podman cannot import an image here"
fi

# 2. The images. --format docker keeps the health check, which OCI's format has no place for.
echo "== building the images"
stage=()
if [[ ${1:-} != from-sources ]]; then
  DESTDIR=$work/build/out cmake --install "$root/build/release" --prefix /usr >"$work/install.log"
  stage=(--build-context "build=$work/build")
fi
image_has() { podman image inspect "$1" --format "$2"; }
make_image() {
  local start=$SECONDS
  CHECK_SECONDS=0 check "the Dockerfile builds $1" nice buildah bud --quiet --layers --isolation=chroot --format docker \
    --pull-never "${stage[@]}" --build-arg "BASE=$base" --tag "$@" "$root" || finish
  echo "   built in $((SECONDS - start)) s, $(image_has "$1" '{{.Size}}' | awk '{ print $1 / 1e6 }') MB"
  is "it runs as nobody in particular" "10001:10001" image_has "$1" '{{.Config.User}}'
  is "it is stopped by SIGTERM" "SIGTERM" image_has "$1" '{{.Config.StopSignal}}'
  is "it has a health check" "[/usr/bin/duplexd health]" image_has "$1" '{{slice .HealthCheck.Test 1}}'
  is "it runs duplexd" "[/usr/bin/duplexd] [run -c /etc/duplexd/duplexd.yaml]" image_has "$1" '{{.Config.Entrypoint}} {{.Config.Cmd}}'
  check "its control socket is known to the commands" has 'DUPLEXD_SOCKET=/dev/shm/control.sock' image_has "$1" '{{.Config.Env}}'
}
make_image "$image"
make_image "$slim" --target slim

# The default image: whoever gets into it finds nothing to run.
is_small() { [[ $(image_has "$image" '{{.Size}}') -le $most_bytes ]]; }
files=$(podman image mount "$image")
programs() { find "$files" -path "$files/usr/lib*" -prune -o -type f -perm /111 -printf '%P\n'; }
interpreters() { find "$files" "(" -name 'perl*' -o -name 'libperl*' -o -name sh -o -name bash -o -name dash -o -name busybox ")" -printf '%P\n'; }
check "the default image has at most $most_bytes bytes" is_small
is "it has one program" usr/bin/duplexd programs
is "it has neither Perl nor a shell" "" interpreters
is "OpenSSL finds certificates" /etc/ssl/certs/ca-certificates.crt readlink "$files/usr/lib/ssl/cert.pem"
check "there are some" has 'BEGIN CERTIFICATE' cat "$files/etc/ssl/certs/ca-certificates.crt"
check "scanners find what its libraries are from" has '^Version: 3' cat "$files/var/lib/dpkg/status.d/libssl3"
podman image unmount "$image" >/dev/null
check "the image slim has a shell" podman run --rm --runtime runc --network none --ulimit nofile=1024:1024 \
  --ulimit nproc=1024:1024 --entrypoint /bin/sh "$slim" -c true

# 3. Hardened: nothing to write to, nobody's rights, no network but lo. What the machine cannot limit is left out (ulimits
# must not exceed what we have ourselves).
hardened=(--runtime runc --read-only --read-only-tmpfs=false --cap-drop=ALL --security-opt no-new-privileges --user 10001:10001
  --pids-limit 64 --memory 128m --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --env AGENT_ID=test1234)
mkdir -m 777 "$work/state"
mkdir "$work/etc"
podman_run() { podman run --detach "${hardened[@]}" "$@" >/dev/null; }
logs() { podman logs "$name-$1" 2>&1; }
is_running() { prints true podman inspect "$name-$1" --format '{{.State.Running}}'; }

echo "== running it"
cp "$root/config/examples/reference.yaml" "$work/etc/simulator.yaml"
check "the simulator starts" podman_run --name "$name-server" --network none --volume "$work/etc:/etc/duplexd:ro" \
  --volume "$work/state:/state" "$image" simulate -c /etc/duplexd/simulator.yaml --state /state --port 2443
check "the simulator is ready" has '^ready wss://localhost:2443/ ca=/state/ca.pem' logs server
sed 's|ca_file: .*|ca_file: /state/ca.pem|' "$root/config/examples/reference.yaml" >"$work/etc/duplexd.yaml"
cat >"$work/etc/hours.yaml" <<'END'
version: 1
sessions: {s: {url: "wss://ws.test.com/", active: {windows: ["09:00-17:00"], time_zone: Europe/Berlin}}}
END
sed -e "s|outputs: \[stdout\]|outputs: [copy]|" -e "s|^sessions:|outputs: {copy: {type: exec, program: [/bin/sh, -c, 'cat >>/state/events.jsonl']}}\n&|" \
  "$work/etc/duplexd.yaml" >"$work/etc/exec.yaml"
check "the daemon starts" podman_run --name "$name-client" --network "container:$name-server" \
  --volume "$work/etc:/etc/duplexd:ro" --volume "$work/state:/state:ro" "$image"
check "it connects" has 'callcentre: connected' logs client
check "replies come" has '"event":"reply"' logs client

status_of() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$(podman inspect "$name-client" --format '{{.State.Pid}}')/status"; }
is "no capability is left" 0000000000000000 status_of CapEff
is "it is user 10001" 10001 status_of Uid
pid=$(podman inspect "$name-client" --format '{{.State.Pid}}')
check "the root file system is read-only" has 'Read-only' touch "/proc/$pid/root/usr/bin/x"
check "its commands find the daemon" has '^callcentre +up' podman exec "$name-client" duplexd status
check "it knows time zones" podman exec "$name-client" duplexd check /etc/duplexd/hours.yaml

# A program takes the events, in the image that has some.
check "the daemon with an exec output starts" podman_run --name "$name-slim" --network "container:$name-server" \
  --volume "$work/etc:/etc/duplexd:ro" --volume "$work/state:/state" "$slim" run -c /etc/duplexd/exec.yaml
check "the program gets the events" has '"event":"reply"' cat "$work/state/events.jsonl"
check "it stops within its time" podman stop --time 8 "$name-slim"
is "with exit code 0" 0 podman inspect "$name-slim" --format '{{.State.ExitCode}}'
check "the default image has no program for it" podman_run --name "$name-bare" --network "container:$name-server" \
  --volume "$work/etc:/etc/duplexd:ro" --volume "$work/state:/state" "$image" run -c /etc/duplexd/exec.yaml
check "and its log says so" has 'output copy failed: it cannot be started: No such file' logs bare
podman rm --force --time 1 "$name-bare" >/dev/null

# 4. Health: the event loop answers, so a process that is there but hangs is not healthy.
healthy() { podman healthcheck run "$name-client"; }
unhealthy() { ! healthy; }
check "it is healthy" healthy
kill -STOP "$pid"
check "a hung process is unhealthy" unhealthy
kill -CONT "$pid"
check "and healthy again when it goes on" healthy

# 5. The end: podman sends the image's stop signal; the link is closed in order.
check "it still runs" is_running client
check "it stops within its time" podman stop --time 8 "$name-client"
is "with exit code 0" 0 podman inspect "$name-client" --format '{{.State.ExitCode}}'
check "after a close in order" has 'callcentre: closed' logs client
check "and says so last" has 'callcentre: session ended' logs client
check "the simulator stops too" podman stop --time 8 "$name-server"
is "with exit code 0" 0 podman inspect "$name-server" --format '{{.State.ExitCode}}'
finish
