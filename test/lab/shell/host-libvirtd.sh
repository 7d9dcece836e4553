#!/bin/bash
# Starts or ends libvirtd inside a host: host-libvirtd.sh start | end SIGNAL. VMs run on without it.
set -eu
pid_file=/run/libvirtd.pid

running() {
  [ -e "$pid_file" ] || return 1
  pid=$(cat "$pid_file")
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = libvirtd ]
}

case $1 in
  start)
    if running; then exit 0; fi
    # --listen: without socket activation libvirtd opens its TCP and TLS ports only when told so.
    setsid libvirtd --listen --daemon --pid-file "$pid_file" </dev/null >>/var/log/libvirtd.out 2>&1
    ;;
  end)
    if ! running; then exit 0; fi
    kill -"$2" "$pid"
    for _ in $(seq 500); do
      [ -d "/proc/$pid" ] || break
      sleep 0.02
    done
    [ ! -d "/proc/$pid" ] || { echo "libvirtd (pid $pid) does not end" >&2; exit 1; }
    rm -f "$pid_file"
    ;;
  *) echo "host-libvirtd.sh: $1?" >&2; exit 2 ;;
esac
