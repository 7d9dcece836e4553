#!/bin/sh
# Installs what `npm run build` made. Run it again to upgrade: configuration that exists is kept.
#
#   deploy/install.sh agent|coordinator|cli... [--root DIR] [--node FILE] [--dry-run]
#
#   --root DIR   install below DIR, for packages and images; nothing of the running system is touched then
#   --node FILE  Node 26 to install beside the programs; default: the one this checkout uses
#   --dry-run    only say what would be done
set -eu

here=$(cd "$(dirname "$0")" && pwd)
checkout=$(dirname "$here")
root=
dry_run=no
node=
parts=

fail() {
  printf 'install: %s\n' "$*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    agent | coordinator | cli) parts="$parts $1" ;;
    --root) root=${2:?--root needs a directory}; shift ;;
    --node) node=${2:?--node needs a file}; shift ;;
    --dry-run) dry_run=yes ;;
    *) fail "unknown argument $1; see the first lines of $0" ;;
  esac
  shift
done
[ -n "$parts" ] || fail "say what to install: agent, coordinator, cli"

if [ -z "$node" ]; then
  node=$(PATH="$checkout/node_modules/.bin:$PATH" command -v node) || fail "no node found; use --node FILE"
  # The package's wrapper is a link; what is installed has to stand alone.
  node=$(readlink -f "$node")
fi
major=$("$node" -p 'process.versions.node.split(".")[0]') || fail "$node does not run"
[ "$major" -ge 26 ] || fail "$node is Node $major; muster needs 26 or newer (--node FILE)"

run() {
  if [ "$dry_run" = yes ]; then
    printf '%s\n' "$*"
  else
    "$@"
  fi
}

# put MODE SOURCE TARGET
put() {
  [ -r "$2" ] || fail "$2 is missing; run: npm run build"
  run install -D -m "$1" "$2" "$root$3"
}

put_new() {
  if [ -e "$root$3" ]; then
    printf 'install: kept %s\n' "$root$3"
  else
    put "$1" "$2" "$3"
  fi
}

daemon() { # name
  put 0755 "$checkout/dist/muster-$1.mjs" "/usr/lib/muster/muster-$1.mjs"
  put 0644 "$here/systemd/muster-$1.service" "/usr/lib/systemd/system/muster-$1.service"
  put_new 0640 "$here/config/$1.example.yaml" "/etc/muster/$1.yaml"
}

put 0755 "$node" /usr/lib/muster/node
put 0644 "$checkout/LICENSE" /usr/share/doc/muster/LICENSE
put 0644 "$checkout/docs/operating.md" /usr/share/doc/muster/operating.md
put 0644 "$checkout/dist/THIRD-PARTY-LICENCES.txt" /usr/share/doc/muster/THIRD-PARTY-LICENCES.txt
put 0644 "$here/systemd/muster.sysusers.conf" /usr/lib/sysusers.d/muster.conf
put 0644 "$here/systemd/muster.tmpfiles.conf" /usr/lib/tmpfiles.d/muster.conf
for part in $parts; do
  case $part in
    cli)
      put 0755 "$checkout/dist/muster.mjs" /usr/lib/muster/muster.mjs
      put 0755 "$here/bin/muster" /usr/bin/muster
      ;;
    agent)
      daemon agent
      put 0755 "$here/bin/muster-agent" /usr/bin/muster-agent
      ;;
    coordinator)
      daemon coordinator
      put 0755 "$here/bin/muster-coordinator" /usr/bin/muster-coordinator
      put 0644 "$here/prometheus/prometheus.example.yml" /usr/share/doc/muster/prometheus.example.yml
      put 0644 "$here/prometheus/alerts.yml" /usr/share/doc/muster/alerts.yml
      ;;
  esac
done

if [ -n "$root" ] || ! [ -d /run/systemd/system ]; then
  printf 'install: systemd was not told; on the target run: systemd-sysusers; systemd-tmpfiles --create; systemctl daemon-reload\n'
  exit 0
fi
run systemd-sysusers
run systemd-tmpfiles --create /usr/lib/tmpfiles.d/muster.conf
run systemctl daemon-reload
for part in $parts; do
  case $part in
    # A restart costs nothing: VMs run on without either daemon.
    agent | coordinator) run systemctl try-restart "muster-$part.service" ;;
  esac
done
for part in $parts; do
  case $part in
    agent) printf 'install: next: muster-agent join STRING && systemctl enable --now muster-agent\n' ;;
    coordinator) printf 'install: next: edit /etc/muster/coordinator.yaml, then systemctl enable --now muster-coordinator\n' ;;
  esac
done
