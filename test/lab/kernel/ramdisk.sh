# Functions that fill and pack an initial ramdisk; sourced by guest/build.sh and the kernel lab's build.sh.
# shellcheck shell=sh

# busybox_tree ROOT: directories, busybox and a link per applet.
busybox_tree() {
  mkdir -p "$1/bin" "$1/sbin" "$1/usr/bin" "$1/usr/sbin" "$1/lib" "$1/proc" "$1/sys" "$1/dev" "$1/tmp" "$1/run" \
    "$1/etc" "$1/mnt" "$1/var/run" "$1/var/log"
  # Only the static busybox runs without libraries; /bin/busybox may be the other one.
  cp -L /bin/busybox "$1/bin/busybox"
  "$1/bin/busybox" --list | while read -r applet; do
    [ -e "$1/bin/$applet" ] || ln -s busybox "$1/bin/$applet"
  done
  echo 'root::0:0:root:/:/bin/sh' >"$1/etc/passwd"
  echo 'root:x:0:' >"$1/etc/group"
}

# add_modules ROOT KERNEL MODULE...: modules with all that they need, and an index for busybox' modprobe.
add_modules() {
  _root=$1 _kernel=$2
  shift 2
  _release=$(cat "$_kernel/release")
  _modules=lib/modules/$_release
  mkdir -p "$_root/$_modules"
  for _module in "$@"; do
    modprobe -d "$_kernel" -S "$_release" --show-depends "$_module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done | sort -u | while read -r _file; do
    _to=$_root/$_modules/${_file#*"/lib/modules/$_release/"}
    mkdir -p "${_to%/*}"
    cp "$_file" "$_to"
    # Debian 13 compresses modules; busybox' modprobe reads only plain ones.
    case $_to in *.xz) xz -d "$_to" ;; esac
  done
  cp "$_kernel/$_modules/modules.builtin" "$_kernel/$_modules/modules.order" "$_root/$_modules/"
  depmod -b "$_root" "$_release"
}

# add_program ROOT FROM TO: a program with its shared libraries.
add_program() {
  mkdir -p "$1${3%/*}"
  cp -L "$2" "$1$3"
  ldd "$2" | grep -o '/[^ ]*' | while read -r _library; do
    mkdir -p "$1${_library%/*}"
    [ -e "$1$_library" ] || cp -L "$_library" "$1$_library"
  done
}

# pack ROOT FILE. Weakly compressed: unpacking speed counts in an emulated machine.
pack() {
  (cd "$1" && find . | cpio -o -H newc --quiet | gzip -1) >"$2"
}
