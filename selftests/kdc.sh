#!/bin/bash
# SPDX-License-Identifier: MIT
# Realms of MIT Kerberos in a directory of the test; nothing outside of it is read or written. To be
# sourced, or called by a test that is no script: kdc.sh FUNCTION ARGUMENTS...
#
#   realms_conf /tmp/x A.TEST=127.0.0.1:8801 B.TEST=192.0.2.9:88
#   realm_new /tmp/x A.TEST; realm_keys /tmp/x A.TEST host-a.keytab 'host-a$'
#   realm_serve /tmp/x A.TEST
#
# KRB5_CONFIG=/tmp/x/krb5.conf is all that a client needs to know.

# The first realm is the default one. A realm without a KDC of ours is all right.
realms_conf() { # DIR REALM=ADDRESS:PORT...
	local dir=$1 pair
	shift
	{
		printf '[libdefaults]\n default_realm = %s\n' "${1%%=*}"
		printf ' dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n'
		printf '[realms]\n'
		for pair; do
			printf ' %s = {\n  kdc = %s\n }\n' "${pair%%=*}" "${pair#*=}"
		done
	} >"$dir/krb5.conf"
	# for somebody whose clock is exact
	sed 's/^\[libdefaults\]$/&\n clockskew = 1/' "$dir/krb5.conf" >"$dir/strict.conf"
	for pair; do
		cat >"$dir/${pair%%=*}.conf" <<CONF
[kdcdefaults]
 kdc_listen = ${pair#*=}
 kdc_tcp_listen = ${pair#*=}
[realms]
 ${pair%%=*} = {
  database_name = $dir/${pair%%=*}.db
  key_stash_file = $dir/${pair%%=*}.stash
  acl_file = $dir/none
  max_life = 10h
  supported_enctypes = aes256-cts:normal
 }
[logging]
 kdc = FILE:$dir/${pair%%=*}.log
CONF
	done
}

realm_env() { # DIR REALM COMMAND...
	local dir=$1 realm=$2
	shift 2
	KRB5_CONFIG=$dir/krb5.conf KRB5_KDC_PROFILE=$dir/$realm.conf PATH=$PATH:/usr/sbin "$@"
}

realm_new() { # DIR REALM
	realm_env "$1" "$2" kdb5_util create -s -r "$2" -P master >/dev/null
}

# Queries of kadmin.local, one a line, from standard input.
realm_admin() { # DIR REALM
	local output
	output=$(realm_env "$1" "$2" kadmin.local -r "$2" 2>&1)
	! grep -E '^(add_principal|ktadd|modify_principal|change_password|delete_principal|kadmin.local): ' \
		<<<"$output" | grep -v '^kadmin.local:  ' >&2
}

realm_keys() { # DIR REALM KEYTAB PRINCIPAL...: new ones
	local dir=$1 realm=$2 keytab=$3
	shift 3
	printf 'addprinc -randkey %s\n' "$@" | realm_admin "$dir" "$realm" &&
		realm_rekey "$dir" "$realm" "$keytab" "$@"
}

# What is in other keytabs is old afterwards.
realm_rekey() { # DIR REALM KEYTAB PRINCIPAL...
	local dir=$1 realm=$2 keytab=$3
	shift 3
	printf "ktadd -q -k $dir/$keytab %s\n" "$@" | realm_admin "$dir" "$realm"
}

keytab_append() { # DIR FROM TO
	printf 'rkt %s\nrkt %s\nwkt %s\n' "$1/$3" "$1/$2" "$1/$3.new" | ktutil >/dev/null &&
		mv "$1/$3.new" "$1/$3"
}

# Both ways.
realm_trust() { # DIR REALM OTHER
	local realm
	for realm in "$2" "$3"; do
		printf 'addprinc -pw trust-%s krbtgt/%s@%s\naddprinc -pw trust-%s krbtgt/%s@%s\n' \
			one "$3" "$2" two "$2" "$3" | realm_admin "$1" "$realm" || return
	done
}

realm_serve() { # DIR REALM: until it is ended
	realm_env "$1" "$2" exec krb5kdc -n -r "$2" >/dev/null 2>&1
}

[ "${BASH_SOURCE[0]}" != "$0" ] || "$@"
