#!/bin/sh
# What busybox' DHCP client calls with each lease.
case $1 in bound | renew) ;; *) exit 0 ;; esac
ip addr flush dev "$interface"
ip addr add "$ip/${mask:-24}" dev "$interface"
if [ -n "$router" ]; then ip route add default via "${router%% *}"; fi
echo "DHCP ip=$ip"
