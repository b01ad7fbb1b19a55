#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# compat_detect.sh HEADERS: print -DIPD_HAVE_... for the kernel features that compat.h asks for,
# by what the kernel's headers say.
dir=$1

has() { # NAME PATTERN FILE
	grep -qsE "$2" "$dir/$3" && printf ' -DIPD_HAVE_%s' "$1"
}

file() { # NAME FILE
	[ -e "$dir/$2" ] && printf ' -DIPD_HAVE_%s' "$1"
}

[ -e "$dir/include/linux/skbuff.h" ] || { echo "no kernel headers in $dir" >&2; exit 1; }

file NET_GSO_H include/net/gso.h
file CRYPTO_UTILS_H include/crypto/utils.h
file LINUX_HEX_H include/linux/hex.h
file LINUX_UNALIGNED_H include/linux/unaligned.h
has CRYPTO_CB_DATA 'crypto_completion_t\)\(void \*' include/linux/crypto.h
has TIMER_CONTAINER_OF 'define timer_container_of' include/linux/timer.h
has TIMER_SHUTDOWN 'timer_shutdown_sync' include/linux/timer.h
has HRTIMER_SETUP 'hrtimer_setup\(' include/linux/hrtimer.h
has FLOWI4_DSCP 'flowic_dscp' include/net/flow.h
has WQ_PERCPU 'WQ_PERCPU' include/linux/workqueue.h
has SKB_READABLE 'skb_frags_readable' include/linux/skbuff.h
has SKB_RESET_CSUM 'skb_reset_csum_not_inet' include/linux/skbuff.h
has SKB_DST_DEV 'skb_dst_dev\(' include/net/dst.h
has DST_DEV 'net_device \*dst_dev\(' include/net/dst.h
has NETDEV_DUMMY 'alloc_netdev_dummy' include/linux/netdevice.h
has DST_RT6_INFO 'dst_rt6_info\(' include/net/ip6_fib.h
has NLA_GET_DEFAULT 'nla_get_be32_default' include/net/netlink.h
has NF_IPV6_OPS 'struct nf_ipv6_ops' include/linux/netfilter_ipv6.h
exit 0
