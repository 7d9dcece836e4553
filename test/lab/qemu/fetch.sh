#!/bin/sh
# Unpacks, without installing it, the QEMU of bookworm-backports into the directory $1.
#
# Debian 12's own QEMU 7.2 loses guest memory writes in long live migrations under emulation
# (upstream fixed that in 9.0). The hosts of the lab get this one mounted over /usr/bin/qemu-*.
# The machine's apt configuration is read (which mirror, which keys) but not changed.
set -eu
out=$1
work=$out.apt
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs"

mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
  awk '$2 == "bookworm" { print $1; exit }')
[ -n "$mirror" ] || { echo "apt knows no mirror of bookworm: cannot fetch QEMU 10 from its backports" >&2; exit 1; }
for suite in bookworm-backports bookworm; do
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done >"$work/sources.list"

apt() {
  apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update >&2
cd "$work/debs"
apt -t bookworm-backports download qemu-system-x86 qemu-system-common qemu-system-data qemu-utils >&2
for package in ./*.deb; do dpkg-deb -x "$package" "$out"; done
rm -rf "$work"

# The firmware descriptors (OVMF) live in a directory that the mount over /usr/share/qemu hides.
if [ -d /usr/share/qemu/firmware ]; then cp -an /usr/share/qemu/firmware "$out/usr/share/qemu/"; fi
"$out/usr/bin/qemu-system-x86_64" --version >&2
