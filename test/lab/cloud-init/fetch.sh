#!/bin/sh
# Unpacks, without installing it, Debian's cloud-init with what it needs of Python, and xmllint, into the directory $1.
# Installed, cloud-init would configure this machine at its next boot.
set -eu
out=$1
mkdir -p "$out.apt"
fetch() {
  (cd "$out.apt" && apt-get -q -o APT::Sandbox::User=root download cloud-init libxml2-utils libxml2 \
    python3-configobj python3-jinja2 python3-markupsafe python3-jsonschema python3-attr python3-pyrsistent \
    python3-yaml python3-oauthlib python3-requests python3-six python3-serial python3-netifaces \
    python3-urllib3 python3-certifi python3-chardet python3-charset-normalizer python3-idna \
    python3-jsonpatch python3-json-pointer >&2)
}
fetch || { apt-get -q update >&2 && fetch; }
for package in "$out.apt"/*.deb; do dpkg-deb -x "$package" "$out"; done
rm -rf "$out.apt"
