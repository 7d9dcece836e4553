/**
 * What the guest runs to tell its host how far it is: POSIX sh, no network, no program that a small system may lack. It
 * writes to a virtio-serial port all that happened so far, one line a change, until the host says that it is recorded.
 * The reading end is `report/parse-report.ts`.
 */

/** Of the virtio-serial port. */
export const REPORT_CHANNEL = "org.muster.context.0";

/** Begins every line. Another form of the line gets another number. */
export const REPORT_WORD = "MUSTER1";

/** Bytes of the log that travel with a line; four thirds of it as base64. */
export const LOG_TAIL_BYTES = 1_500;

/** Defines `report STAGE STATE CODE`. Needs $muster_home, a directory, and $muster_log, a file. */
export const reporter = `muster_port() {
  for muster_dir in /sys/class/virtio-ports/*; do
    [ "$(cat "$muster_dir/name" 2>/dev/null)" != ${REPORT_CHANNEL} ] || echo "/dev/\${muster_dir##*/}"
  done
}
muster_send() {
  while exec 3<>"$1"; do
    printf '\\n%s\\n' "$(cat "$muster_home/report")" >&3
    while read -r muster_word muster_number muster_rest <&3; do
      [ "$muster_word" != hello ] || break
      [ "$muster_word $muster_number" != "ok $2" ] || return 0
    done
    sleep 1 3>&-
  done
}
report() {
  muster_count=$((\${muster_count:-0} + 1))
  muster_tail=$(tail -c ${String(LOG_TAIL_BYTES)} "$muster_log" 2>/dev/null | base64 2>/dev/null | tr -d '\\n')
  echo "${REPORT_WORD} $muster_count $1 $2 $3 \${muster_tail:--}" >>"$muster_home/report"
  muster_device=$(muster_port)
  [ -n "$muster_device" ] || return 0
  [ -z "\${muster_sender:-}" ] || { kill "$muster_sender"; wait "$muster_sender"; } 2>/dev/null
  muster_send "$muster_device" "$muster_count" &
  muster_sender=$!
}
`;
