# shellcheck shell=bash
# What the system tests share: counting, skipping, waiting, and a minimal Debian to run things in. Sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=$root/build/cache
passed=0 failed=0

# check WHAT COMMAND...: one test; it passes if the command succeeds within CHECK_SECONDS (default 10), tried again until then.
check() {
  local what=$1 end=$((SECONDS + ${CHECK_SECONDS:-10})) output
  shift
  while true; do
    if output=$("$@" 2>&1); then
      echo "ok: $what"
      passed=$((passed + 1))
      return 0
    fi
    [[ $SECONDS -lt $end ]] || break
    sleep 0.2
  done
  echo "FAILED: $what"
  printf '  %s\n' "$*" "$output"
  failed=$((failed + 1))
  return 1
}

# is WHAT EXPECTED COMMAND...: the command prints exactly that, at once or soon.
is() {
  local what=$1 expected=$2
  shift 2
  check "$what" prints "$expected" "$@"
}

prints() {
  local expected=$1 output
  shift
  output=$("$@")
  [[ $output == "$expected" ]] || { echo "printed '$output' instead of '$expected'"; return 1; }
}

# has PATTERN COMMAND...: the command prints a line that matches.
has() {
  local pattern=$1 output
  shift
  output=$("$@" 2>&1)
  grep -qE -- "$pattern" <<<"$output" || { echo "no line matches /$pattern/:"; tail -n 5 <<<"$output"; return 1; }
}

# skip REASON: this machine does not allow the test. Says so, counts it as skipped (never as passed), and ends.
skip() {
  echo "skipped: $(basename "$0" .sh): $1"
  echo "$passed passed, $failed failed, 1 skipped"
  exit 0
}

# Ends the test with its counts.
finish() {
  echo "$passed passed, $failed failed, 0 skipped"
  [[ $failed -eq 0 && $passed -gt 0 ]] || exit 1
  exit 0
}

# need_commands COMMAND...: fails and ends if one of them is missing: that is not a reason to skip, it can be installed.
need_commands() {
  local command
  for command in "$@"; do
    command -v "$command" >/dev/null && continue
    echo "FAILED: $command is not installed: scripts/install build system"
    failed=$((failed + 1))
    finish
  done
}

# make_rootfs NAME [PACKAGE...]: a minimal Debian 12 with those packages, as a directory, or as a tar file if NAME ends so.
# Kept in build/cache for as long as the packages are the same. Sets rootfs to its path.
make_rootfs() {
  local name=$1
  shift
  local target
  target=$cache/$(cksum <<<"$*" | cut -d ' ' -f 1)-$name
  # shellcheck disable=SC2034  # for the caller
  rootfs=$target
  [[ ! -e $target ]] || return 0
  rm -rf "$cache"/*-"$name"
  local sources=() include=()
  if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then  # the mirror that this machine uses
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
      [[ ! -s $file ]] || sources+=("$file")
    done
  fi
  [[ $# -eq 0 ]] || include=(--include="$(IFS=,; echo "$*")")
  mkdir -p "$cache"
  local scratch
  scratch=$(dirname "$target")/new.$(basename "$target")
  rm -rf "$scratch"
  mmdebstrap --quiet --variant=minbase "${include[@]}" --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    bookworm "$scratch" "${sources[@]}" && mv "$scratch" "$target"
}
