#!/bin/sh
# Makes the checkout ready: npm packages, and (as root, on Debian) the system packages that the lab,
# the quickstart and the tests need. Says what it installs and why; silent when nothing is missing.
#
# Without root or apt it says what will not run and goes on: everything but the lab still works.
# Set MUSTER_SETUP_SYSTEM=no to leave the system alone. Runs on any POSIX sh, before Node 26 is there.
set -eu
cd "$(dirname "$0")/.."

guard=/usr/sbin/policy-rc.d
guard_mark='# muster setup: no daemon starts while packages are being installed'
list=scripts/debian-packages.txt

say() { printf 'setup: %s\n' "$*" >&2; }

# Does node_modules hold what package-lock.json asks for? True also after `npm install` changed both.
npm_packages_match() {
  [ -e node_modules/.package-lock.json ] || return 1
  node -e '
    const { readFileSync } = require("node:fs");
    const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
    const installed = packages("node_modules/.package-lock.json");
    const differs = Object.entries(packages("package-lock.json")).some(([path, wanted]) => {
      if (!path.startsWith("node_modules/") && !path.includes("/node_modules/")) return false;
      const found = installed[path];
      if (found === undefined) return wanted.optional !== true && wanted.peer !== true;
      return found.version !== wanted.version || found.link !== wanted.link;
    });
    process.exit(differs ? 1 : 0);'
}

ensure_npm_packages() {
  stamp=node_modules/.muster-setup
  # A stamp as old as the lock file does not count: -nt is strict.
  if [ -e "$stamp" ] && [ "$stamp" -nt package-lock.json ]; then return 0; fi
  if ! npm_packages_match; then
    say "installing npm packages (npm ci): node_modules is missing or older than package-lock.json"
    npm ci --no-progress --loglevel=error >&2
  fi
  # A checkout of somebody else's is looked through each time.
  [ ! -w node_modules ] || : >"$stamp"
}

wanted_packages() { sed -n 's/^\([a-z0-9][^ #]*\) .*/\1/p' "$list"; }
reason_of() { sed -n "s/^$1  *//p" "$list"; }
installed_packages() {
  dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p' | sort -u
}
missing_packages() {
  wanted_packages | sort -u >"$work/wanted"
  installed_packages >"$work/before"
  comm -23 "$work/wanted" "$work/before"
}

# Debian starts the daemons it installs. The lab runs its own, in namespaces, and none should stay behind.
raise_guard() {
  if [ -e "$guard" ] && ! grep -q "$guard_mark" "$guard"; then return 0; fi
  printf '#!/bin/sh\n%s\nexit 101\n' "$guard_mark" >"$guard"
  chmod 755 "$guard"
}
lower_guard() {
  if [ -e "$guard" ] && grep -q "$guard_mark" "$guard"; then rm -f "$guard"; fi
}

# The guard covers today; this keeps the new daemons from starting at the next boot.
disable_new_daemons() {
  command -v systemctl >/dev/null 2>&1 || return 0
  installed_packages | comm -13 "$work/before" - >"$work/new"
  xargs -r dpkg -L <"$work/new" |
    sed -n 's#^.*/systemd/system/\(\(prometheus\|etcd\|openvswitch\|ovs\|ovsdb\|libvirt\|virt\)[^/@]*\.\(service\|socket\|timer\)\)$#\1#p' |
    sort -u | while read -r unit; do systemctl disable --quiet "$unit" >/dev/null 2>&1 || say "could not disable $unit"; done
}

install_system_packages() { # names...
  say "installing Debian packages:"
  for package in "$@"; do printf '  %-27s %s\n' "$package" "$(reason_of "$package")" >&2; done
  say "their services are neither started nor enabled (the lab runs its own)"
  raise_guard
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get -q update && apt-get -q install -y --no-install-recommends "$@"
  } >"$work/apt.log" 2>&1 </dev/null || {
    tail -n 25 "$work/apt.log" >&2
    lower_guard
    say "WARNING: apt-get failed (above). Without these packages the lab, its tests and npm run quickstart will not run: $*"
    return 0
  }
  lower_guard
  disable_new_daemons
}

ensure_system_packages() {
  [ "${MUSTER_SETUP_SYSTEM:-yes}" != no ] || return 0
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
    say "WARNING: no apt here, so Debian packages are not checked. What will not run unless you install by hand"
    say "  what $list names: npm run lab, npm run quickstart (use: npm run quickstart -- --simulated), lab tests"
    return 0
  fi
  work=$(mktemp -d)
  trap 'lower_guard; rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "WARNING: not root, so these Debian packages stay missing:" $missing
    say "  What will not run: npm run lab, npm run quickstart (use: npm run quickstart -- --simulated), lab tests"
    return 0
  fi
  # shellcheck disable=SC2086 # one word per package
  install_system_packages $missing
}

# One at a time: two `npm test` at once must not both replace node_modules.
if [ -z "${MUSTER_SETUP_LOCKED:-}" ] && command -v flock >/dev/null 2>&1; then
  MUSTER_SETUP_LOCKED=yes exec flock package.json sh scripts/setup.sh "$@"
fi

ensure_npm_packages
ensure_system_packages
