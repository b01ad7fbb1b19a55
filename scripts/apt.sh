# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Packages of other Debian suites, as files.  Sourced after common.sh.
#
#   apt_of_suite trixie DIR/apt         lists in that folder; from here on apt is the suite's
#   closure PACKAGE...                  these and all that they need, nothing of this machine's
#   download DIR/debs PACKAGE...        verified by apt
#   unpack DIR/debs ROOT

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Where this machine's own apt finds a release of Debian.
mirror() { # RELEASE
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		awk -v release="$1" '$1 == release && $2 == "main" { print $3; exit }'
}

sources() { # SUITE
	local own site security
	# shellcheck disable=SC1091
	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	site=$(mirror "$own") security=$(mirror "$own-security")
	[ -n "$site" ] || die "apt has no source for $own, whose mirror would be used"
	echo "deb [signed-by=$KEYRING] $site $1 main"
	case $1 in sid | unstable | experimental) security='' ;; esac
	[ -z "$security" ] || echo "deb [signed-by=$KEYRING] $security $1-security main"
}

# An apt of the suite's own, which knows nothing of this machine's but its mirror and proxies.  The
# age of a signed list is not judged: a mirror may stand still.
apt_settings() { # DIR
	apt-config dump | grep -i '^Acquire::[a-z]*::Proxy'
	cat <<SETTINGS
Dir::Etc "$1";
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::State "$1";
Dir::State::status "$1/status";
Dir::Cache "$1";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
SETTINGS
}

apt_of_suite() { # SUITE DIR
	[ -r "$KEYRING" ] || die "no $KEYRING (scripts/setup kernels installs it)"
	mkdir -p "$2/lists/partial" "$2/archives/partial"
	touch "$2/status"
	sources "$1" >"$2/sources.list" || exit
	apt_settings "$2" >"$2/apt.conf"
	export APT_CONFIG=$2/apt.conf
	apt-get -q update >"$2/log" 2>&1 && return
	tail -n 5 "$2/log" >&2
	return 1
}

closure() { apt-get -s -q install "$@" | awk '/^Inst / { print $2 }'; } # PACKAGE...

# Packages as files in the folder, verified by apt.
download() { # DIR PACKAGE...
	local dir=$1
	shift
	mkdir "$dir"
	(cd "$dir" && apt-get -q download "$@") >"$dir/log" 2>&1 && return
	tail -n 5 "$dir/log" >&2
	return 1
}

unpack() { # DEBS-DIR DIR
	local deb
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$2" --keep-directory-symlink --no-same-owner --wildcards --exclude='./dev/*' \
				--exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
		[ "${PIPESTATUS[*]}" = '0 0' ] || { say "cannot unpack ${deb##*/}"; return 1; }
	done
}
