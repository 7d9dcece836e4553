#!/bin/sh
# Unpacks, without installing it, Debian's newest cloud kernel (image and modules) into the directory $1.
set -eu
out=$1
fetch() {
  package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [ -n "$package" ] && apt-get -q -o APT::Sandbox::User=root download "$package" >&2
}
mkdir -p "$out"
cd "$out"
# apt's lists may be missing, or so old that the mirror no longer has what they name.
fetch || { apt-get -q update >&2 && fetch; }
dpkg-deb -x linux-image-*.deb "$out"
rm -f linux-image-*.deb
# Debian 12 ships /lib/modules, Debian 13 /usr/lib/modules; kmod of either looks in its own place.
mkdir -p "$out/usr"
if [ -d "$out/lib/modules" ]; then ln -s ../lib "$out/usr/lib"; else ln -s usr/lib "$out/lib"; fi
release=$(ls "$out/lib/modules")
depmod -b "$out" "$release"
mv "$out/boot/vmlinuz-$release" "$out/vmlinuz"
echo "$release" >"$out/release"
