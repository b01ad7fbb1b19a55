#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=vm timeout=300
#
# Commands for another host, by ssh to a sshd in that host's network. What this finds of B it finds by B's
# environment: its PATH and its run directory. Keys are made here.
#
#   A 192.0.2.1  ipsecctl -H, ssh ------- B 192.0.2.2  sshd, ipsecctl, services
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

hosts_up

# one program, by its names
mkdir "$TMP/names"
for name in ipsecctl ipseccmd; do
	ln -s "$(command -v ipsecctl)" "$TMP/names/$name"
done
PATH=$TMP/names:$PATH

# --- ssh ------------------------------------------------------------------------------------------
HOME_A=$TMP/root-A
mkdir -p "$HOME_A/.ssh"
chmod 700 "$HOME_A" "$HOME_A/.ssh"
ssh-keygen -q -t ed25519 -N '' -f "$HOME_A/.ssh/id_ed25519"
ssh-keygen -q -t ed25519 -N '' -f "$TMP/host_key"
cp "$HOME_A/.ssh/id_ed25519.pub" "$TMP/authorized"
echo "$B4,b $(cut -d' ' -f1,2 "$TMP/host_key.pub")" >"$HOME_A/.ssh/known_hosts"
cat >"$HOME_A/.ssh/config" <<END
Host b
	HostName $B4
Host *
	BatchMode yes
	ConnectTimeout $(secs 10)
	GlobalKnownHostsFile /dev/null
END
cat >"$TMP/sshd_config" <<END
ListenAddress $B4
HostKey $TMP/host_key
AuthorizedKeysFile $TMP/authorized
PermitRootLogin prohibit-password
AllowUsers root
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
SetEnv PATH=$TMP/bin:$PATH IPSEC_POLICY_RUN_DIR=$(run_dir B)
END
mkdir "$TMP/bin"
# ssh asks the system where root's files are
sed "s|^\(root:[^:]*:[^:]*:[^:]*:[^:]*\):[^:]*:|\1:$HOME_A:|" /etc/passwd >"$TMP/passwd-ssh"
need mount --bind "$TMP/passwd-ssh" /etc/passwd
defer umount /etc/passwd
mkdir -p /run/sshd
# shellcheck disable=SC2153 # the namespace
spawn sshd ip netns exec "$B" /usr/sbin/sshd -D -e -f "$TMP/sshd_config"
listens() { on B ss -Hltn | grep -q ':22 '; }
wait_for 20 listens || bail "sshd listens: $(tail -n 5 "$TMP/sshd.log")"

# run STATUS NAME COMMAND...: on A, its output in $TMP/out, with that exit status
run() {
	local want=$1 name=$2 rc
	shift 2
	on A "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	rc=$?
	same "$name" "$want" "$rc" || diag "$(tail -n 5 "$TMP/out" "$TMP/err")"
}
says() { check "$1" grep -q "$2" "$TMP/err"; } # NAME PATTERN

# not A: its packets are those of ssh
AWAY=192.0.2.99

# --- the same command -----------------------------------------------------------------------------
run 0 "C29 a change on the other host" ipsecctl -H b dynamic add rule me $AWAY \
	actioninbound=block actionoutbound=block
same "C29 it is there, and not here" "1 0" "$(on B ipdtool list | grep -c '^id=') $(on A ipdtool list | grep -c '^id=')"
run 0 "C29 -H user@address, in JSON" ipsecctl --json -H root@$B4 dynamic show rule
same "C29 what that host says" "$AWAY" "$(jq -r '.. | .dstaddr? // empty' "$TMP/out")"
run 0 "C29 two backslashes" ipsecctl '\\b' dynamic show rule
check "C29 print the other host's rules" grep -q "^Destination *: $AWAY" "$TMP/out"
run 0 "C02 C29 ipseccmd: two backslashes" ipseccmd '\\b' -f '[0+192.0.2.77]'
run 0 "C29 ipseccmd: a query" ipseccmd '\\b' show filters policies
check "C29 it prints that host's filters" grep -q '192\.0\.2\.77' "$TMP/out"
run 0 "C29 words stay words" ipsecctl -H b dynamic add mmpolicy "name=a'b \$(id) \"c\""
same "C29 whatever is in them" "a'b \$(id) \"c\"" "$(ctl B --json dynamic show mmpolicy | jq -r '.. | .name? // empty')"
run 0 "C29 stored policy" ipsecctl -H b static add policy name=p
same "C29 is in the other host's store" "p " \
	"$(ctl B --json static show policy name=p | jq -r '[.. | .name? // empty][0]') $(ctl A --json static show policy name=p 2>/dev/null | jq -r '[.. | .name? // empty][0] // ""')"

# --- exit status ----------------------------------------------------------------------------------
run 1 "C29 what is refused there" ipsecctl -H b dynamic delete mmpolicy name=none
says "C29 with the sentence of that host" '^ERR IPsec\[13004\] : main mode policy "none" does not exist'
run 2 "C29 what is no command there" ipsecctl -H b dynamic frobnicate
run 3 "C29 explain's verdict" ipsecctl -H b explain out $B4 $AWAY
run 0 "C29 a dry run" ipsecctl -H b --dry-run dynamic delete all
same "C29 is one there" 2 "$(on B ipdtool list | grep -c '^id=')"

# --- scripts --------------------------------------------------------------------------------------
cat >"$HOME_A/script" <<END
dynamic delete all
dynamic add rule me 192.0.2.50 actioninbound=permit actionoutbound=permit
dynamic frobnicate
dynamic add rule me 192.0.2.51 actioninbound=permit actionoutbound=permit
END
run 2 "C29 a script of this host" ipsecctl -H b -f "$HOME_A/script"
says "C29 the line of a fault" '^standard input:3: '
# what ipseccmd has made is not of this context, and stays
same "C29 N16 its other lines are done" "192.0.2.77 192.0.2.50 192.0.2.51" \
	"$(ctl B --json dynamic show rule | jq -r '.. | .dstaddr? // empty' | xargs)"
echo '-f (0+192.0.2.60)' >"$HOME_A/batch"
run 0 "C27 C29 ipseccmd: a file of this host" ipseccmd '\\b' -file "$HOME_A/batch"
check "C27 C29 it acts there" eval 'on B ipdtool list | grep -q "remote=192\.0\.2\.60"'

# --- what both have: not the packets of ssh ---------------------------------------------------------
for host in A B; do
	[ $host = A ] && peer=$B4 || peer=$A4
	need ctl $host dynamic delete all
	need policy_on $host $peer protocol=ICMP
done
check "the two hosts negotiate" on A ping -c 2 -W "$(secs 10)" $B4
run 0 "C29 ipseccmd: show sas" ipseccmd '\\b' show sas
check "C29 it prints that host's SAs" eval 'grep -q "^Source *: $B4, port 500" "$TMP/out" &&
	grep -q "^Source Address *: $B4" "$TMP/out"'
same "C29 with the SPIs of its driver" "$(on B ipdtool sas | grep -o ' spi=[^ ]*' | cut -d= -f2 | sort | xargs)" \
	"$(sed -n 's/^ESP SPI *: \(0x[0-9a-f]*\) in, \(0x[0-9a-f]*\) out/\1\n\2/p' "$TMP/out" | sort | xargs)"

# --- what goes wrong on the way -------------------------------------------------------------------
run 1 "C29 no such file" ipsecctl -H b -f "$HOME_A/none"
run 1 "C29 nobody listens" ipsecctl -H 192.0.2.1 status
says "C29 ssh says why" 'Connection refused'
says "C29 and we that nothing came to its end" 'the command did not come to its end on 192\.0\.2\.1'
run 1 "C29 no way to the host" ipsecctl -H 203.0.113.9 status
says "C29 ssh says why" 'unreachable'
mv "$TMP/host_key.pub" "$HOME_A/.ssh/other" && sed -i 's/ssh-ed25519 .*/ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/' \
	"$HOME_A/.ssh/known_hosts"
run 1 "C29 another host in its place" ipsecctl -H b status
says "C29 is not talked to" 'HOST IDENTIFICATION HAS CHANGED\|Host key verification failed'
echo "$B4,b $(cut -d' ' -f1,2 "$HOME_A/.ssh/other")" >"$HOME_A/.ssh/known_hosts"
run 1 "C29 no right to log in" ipsecctl -H nobody@b status
says "C29 says so" 'Permission denied'
run 1 "C29 no ssh here" env PATH="$TMP/bin" "$(command -v ipsecctl)" -H b status
says "C29 says what to install" 'install an ssh client'
# a login shell that finds no program: the first of its path is in the way
printf '#!/bin/sh\nexit 127\n' >"$TMP/bin/ipsecctl" && chmod 755 "$TMP/bin/ipsecctl"
run 1 "C29 no program there" ipsecctl -H b status
says "C29 says what to install, and where" 'ipsecctl is not there on b; install ipsec-policy on that host'
printf '#!/bin/sh\necho "ipsecctl: option $1 is unknown" >&2\nexit 2\n' >"$TMP/bin/ipsecctl"
run 2 "C29 another version there" ipsecctl -H b --dry-run dynamic delete all
says "C29 its own words" 'ipsecctl: option --dry-run is unknown'
rm "$TMP/bin/ipsecctl"
stop B-ipsec-policy-agent
run 1 "C29 no agent there" ipsecctl -H b dynamic show rule
says "C29 says what to start" '^ERR IPsec\[01062\] .*systemctl start ipsec-policy-agent'

stop sshd
for host in A B; do
	[ $host = B ] || stop A-ipsec-policy-agent
	stop $host-ipsec-ike
	stop $host-ipsec-cred
done
check "the driver unloads" unload_module
check_world
finish
