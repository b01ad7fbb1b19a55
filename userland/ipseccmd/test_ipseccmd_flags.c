// SPDX-License-Identifier: MIT
/*
 * Every form of the help of the original, every example of it, what it leaves open, and what is
 * refused; by rows of features.tsv.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/words.h"
#include "ipseccmd/flags.h"
#include "ipseccmd/print.h"
#include "policy/authmethod.h"

static int parse(const char *line, struct run **ret_run, char why[static RUN_WHY_LEN])
{
	struct ctl_words words;
	int err;

	assert_int_equal(ctl_words_split(line, &words, why), 0);
	err = flags_parse(words.list, words.n, ret_run, why);
	ctl_words_clear(&words);
	return err;
}

/* Reads @line; what is printed of it has to be read as the same run, and to print the same. */
static struct run *good(const char *line)
{
	_cleanup_(policy_secret_freep) char *text = NULL, *again = NULL;
	_cleanup_(run_freep) struct run *back = NULL;
	char why[RUN_WHY_LEN] = "";
	struct run *run = NULL;

	if (parse(line, &run, why))
		fail_msg("%s: %s", line, why);
	text = print_run_to_text(run, true);
	assert_non_null(text);
	if (parse(text, &back, why))
		fail_msg("%s, printed as %s: %s", line, text, why);
	if (!run_is_equal(run, back))
		fail_msg("%s, printed as %s, is something else", line, text);
	again = print_run_to_text(back, true);
	assert_string_equal(text, again);
	return run;
}

/* Reads @line, which is printed as @expected. */
static void prints(const char *line, const char *expected)
{
	_cleanup_(run_freep) struct run *run = good(line);
	_cleanup_(policy_secret_freep) char *text = print_run_to_text(run, true);

	assert_string_equal(text, expected);
}

/* Refuses @line with a sentence that has all of @words in it, which are separated by "|". */
static void bad(const char *line, const char *parts)
{
	_cleanup_(run_freep) struct run *run = NULL;
	char why[RUN_WHY_LEN] = "", part[80];

	if (parse(line, &run, why) != -EINVAL)
		fail_msg("%s is taken", line);
	assert_null(run);
	while (*parts) {
		size_t len = strcspn(parts, "|");

		snprintf(part, sizeof(part), "%.*s", (int)len, parts);
		if (!strstr(why, part))
			fail_msg("%s: \"%s\" does not say \"%s\"", line, why, part);
		parts += len + (parts[len] == '|');
	}
}

/* The only filter of "-f @spec"; good until the next call. */
static const struct filterspec *spec_of(const char *spec)
{
	static struct run *run;
	char line[256];

	run_free(run);
	run = NULL;
	if (!spec)
		return NULL;
	snprintf(line, sizeof(line), "-f %s", spec);
	run = good(line);
	assert_int_equal(run->filters.n, 1);
	return &run->filters.list[0];
}

static void is_subnet(const struct policy_address *address, uint32_t addr, uint32_t mask)
{
	struct ip_addr a = ip_addr_v4(addr), m = ip_addr_v4(mask);

	assert_int_equal(address->kind, POLICY_ADDRESS_IP);
	assert_true(ip_addr_is_equal(&address->addr, &a));
	assert_true(ip_addr_is_equal(&address->mask, &m));
}

static void test_C04_C05_C09_filterspecs(void **state)
{
	const struct filterspec *spec = spec_of("Machine1+Machine2::6");

	(void)state;
	assert_int_equal(spec->kind, FILTERSPEC_PLAIN);
	assert_true(spec->mirrored);
	assert_string_equal(spec->source.address.name, "Machine1");
	assert_string_equal(spec->destination.address.name, "Machine2");
	assert_int_equal(spec->protocol, 6);
	assert_int_equal(spec->source.port, 0);
	assert_int_equal(spec->destination.port, 0);

	spec = spec_of("172.31.0.0/255.255.0.0:80=157.0.0.0/255.0.0.0:80:TCP");
	assert_false(spec->mirrored);
	is_subnet(&spec->source.address, 0xac1f0000, 0xffff0000);
	is_subnet(&spec->destination.address, 0x9d000000, 0xff000000);
	assert_int_equal(spec->source.port, 80);
	assert_int_equal(spec->destination.port, 80);
	assert_int_equal(spec->protocol, 6);

	/* one number is a port, and a protocol needs its second colon */
	spec = spec_of("a=m:6");
	assert_int_equal(spec->destination.port, 6);
	assert_int_equal(spec->protocol, 0);
	assert_int_equal(spec_of("a=m::udp")->protocol, 17);
	assert_int_equal(spec_of("a=m:0:ICMP")->protocol, 1);
	assert_int_equal(spec_of("a=m::RAW")->protocol, 255);
	assert_int_equal(spec_of("a=m::132")->protocol, 132);
	assert_int_equal(spec_of("a:7=m")->source.port, 7);
	spec_of(NULL);
	prints("-f a:0=m:0:6", "-f a=m::TCP");
}

static void test_C06_pass_and_drop(void **state)
{
	const struct filterspec *spec = spec_of("(0+128.2.1.1)");

	(void)state;
	assert_int_equal(spec->kind, FILTERSPEC_PASS);
	assert_int_equal(spec->source.address.kind, POLICY_ADDRESS_ME);
	is_subnet(&spec->destination.address, 0x80020101, 0xffffffff);
	assert_int_equal(spec_of("[0=*:23:TCP]")->kind, FILTERSPEC_DROP);
	/* Brackets are for IPv6, too. */
	assert_int_equal(spec_of("[fe80::1]+[fe80::2]")->kind, FILTERSPEC_PLAIN);
	assert_int_equal(spec_of("[[fe80::1]+[fe80::2]]")->kind, FILTERSPEC_DROP);
	assert_int_equal(spec_of("([fe80::1]+0)")->kind, FILTERSPEC_PASS);
	spec_of(NULL);
	bad("-f (0+128.2.1.1", "-f (0+128.2.1.1|\")\" is missing");
	bad("-f [0+128.2.1.1", "\"]\" is missing");
	bad("-w REG -p a -r b -f (0+128.2.1.1)", "-f|-n PASS");
	bad("-w REG -p a -r b -f [0+128.2.1.1]", "-f|-n BLOCK");
}

static void test_C07_default(void **state)
{
	(void)state;
	assert_int_equal(spec_of("default")->kind, FILTERSPEC_DEFAULT);
	spec_of(NULL);
	prints("-f Default -a k", "-f DEFAULT -a KERBEROS");
	bad("-f DEFAULT 0+*", "-f|another command");
	bad("-f DEFAULT -t 10.0.0.1", "-t|no tunnel");
}

static void test_C08_addresses(void **state)
{
	const struct filterspec *spec;

	(void)state;
	assert_int_equal(spec_of("0+*")->source.address.kind, POLICY_ADDRESS_ME);
	assert_int_equal(spec_of("0+*")->destination.address.kind, POLICY_ADDRESS_ANY);
	is_subnet(&spec_of("0+10.0.0.1")->destination.address, 0x0a000001, 0xffffffff);
	is_subnet(&spec_of("0+10.0.0.9/255.0.0.0")->destination.address, 0x0a000000, 0xff000000);
	is_subnet(&spec_of("0+10.0.0.9/8")->destination.address, 0x0a000000, 0xff000000);
	is_subnet(&spec_of("0+128.*")->destination.address, 0x80000000, 0xff000000);
	is_subnet(&spec_of("0+128.*.*")->destination.address, 0x80000000, 0xff000000);
	is_subnet(&spec_of("0+128.*.*.*")->destination.address, 0x80000000, 0xff000000);
	is_subnet(&spec_of("144.92.*+0")->source.address, 0x905c0000, 0xffff0000);
	is_subnet(&spec_of("144.92.*.*+0")->source.address, 0x905c0000, 0xffff0000);
	is_subnet(&spec_of("1.2.3.*:80+0::17")->source.address, 0x01020300, 0xffffff00);
	assert_string_equal(spec_of("0+host.example.org:80:TCP")->destination.address.name,
			    "host.example.org");
	spec = spec_of("{11E6E97E-0031-49f5-AC7D-5F2FE99BABAF}:80+*::6");
	assert_string_equal(spec->source.interface, "11E6E97E-0031-49f5-AC7D-5F2FE99BABAF");
	assert_int_equal(spec->source.port, 80);
	assert_string_equal(spec_of("*+{eth0}")->destination.interface, "eth0");
	spec = spec_of("0+[2001:db8::]/32:443:TCP");
	assert_int_equal(spec->destination.address.addr.family, AF_INET6);
	assert_int_equal(spec->destination.port, 443);
	spec_of(NULL);
	prints("-f 0+[2001:db8::1/32]", "-f 0+[2001:db8::]/32");
	prints("-f me+GATEWAY", "-f 0+GATEWAY");
	prints("-f 0.0.0.0=10.1.2.3/255.255.0.0", "-f 0=10.1.0.0/255.255.0.0");
}

static void test_C04_C08_refused(void **state)
{
	(void)state;
	bad("-f 0", "-f 0|= (this direction)");
	bad("-f 0+", "-f 0+|is not an address");
	bad("-f 0+1.2.3", "is not an address|10.*");
	bad("-f 0+1.2.3.4.*", "is not an address");
	bad("-f 0+1.*.3.*", "is not an address");
	bad("-f 0+*.*", "is not an address");
	bad("-f 0+256.*", "is not an address");
	bad("-f 0+10.0.0.1/33", "is not a mask");
	bad("-f 0+10.0.0.1/x", "is not a mask");
	bad("-f 0+10.0.0.1:x", "\"x\" is not a port");
	bad("-f 0+10.0.0.1:65536", "is not a port");
	bad("-f 0+10.0.0.1:", "is not a port");
	bad("-f 0:+10.0.0.1", "is not a port");
	bad("-f 0+10.0.0.1::XYZ", "\"XYZ\" is not a protocol|TCP, UDP");
	bad("-f 0+10.0.0.1::", "is not a protocol");
	bad("-f 0:80:TCP=*", "protocol is said once, behind the destination");
	bad("-f 0+2001:db8::1", "in brackets|[2001:db8::1]");
	/* either an address or a host and its protocol: no guess */
	bad("-f 0+ace::6", "[ace::6]|HOST:0:TCP");
	bad("-f 0+[10.0.0.1]", "not an IPv6 address");
	bad("-f 0+[fe80::1]x", "neither a port nor a mask");
	bad("-f 0+{}", "between { and }");
	bad("-f 0+{eth0", "\"}\" is missing");
	bad("-f {eth0}+{eth1}", "both an interface");
	bad("-f 0+a+b", "is not an address");
	bad("-f", "-f lacks its value");
	bad("-n ah[md5]", "-f is missing");
	bad("0+*", "\"0+*\" belongs to no flag");
}

/* The only offer of "-n @offer" */
static struct offer offer_of(const char *offer)
{
	_cleanup_(run_freep) struct run *run = NULL;
	char line[256];

	snprintf(line, sizeof(line), "-f 0+* -n %s", offer);
	run = good(line);
	assert_int_equal(run->n_offers, 1);
	return run->offers[0];
}

static void is_esp(const char *text, enum policy_cipher cipher, enum policy_hash hash)
{
	struct offer offer = offer_of(text);

	assert_true(offer.qm.has_esp && !offer.qm.has_ah);
	assert_int_equal(offer.qm.esp_cipher, cipher);
	assert_int_equal(offer.qm.esp_hash, hash);
}

static void test_C10_X14_offers(void **state)
{
	struct offer offer = offer_of("AH[MD5]+ESP[DES,SHA]");

	(void)state;
	assert_true(offer.qm.has_ah && offer.qm.has_esp);
	assert_int_equal(offer.qm.ah_hash, POLICY_HASH_MD5);
	assert_int_equal(offer.qm.esp_cipher, POLICY_CIPHER_DES);
	assert_int_equal(offer.qm.esp_hash, POLICY_HASH_SHA1);
	offer = offer_of("esp[des,sha]+ah[md5]");
	assert_true(offer.qm.has_ah && offer.qm.has_esp);
	offer = offer_of("ah[sha1]");
	assert_true(offer.qm.has_ah && !offer.qm.has_esp);
	assert_int_equal(offer.qm.ah_hash, POLICY_HASH_SHA1);
	is_esp("ESP[NONE,SHA]", POLICY_CIPHER_NONE, POLICY_HASH_SHA1);
	is_esp("ESP[3des,none]", POLICY_CIPHER_3DES, POLICY_HASH_NONE);
	is_esp("ESP[MD5,DES]", POLICY_CIPHER_DES, POLICY_HASH_MD5);
	is_esp("ESP[sha,none]", POLICY_CIPHER_NONE, POLICY_HASH_SHA1);
	is_esp("ESP[AES128,SHA256]", POLICY_CIPHER_AES128, POLICY_HASH_SHA256);
	is_esp("ESP[AES192,SHA384]", POLICY_CIPHER_AES192, POLICY_HASH_SHA384);
	is_esp("ESP[AES256,SHA512]", POLICY_CIPHER_AES256, POLICY_HASH_SHA512);
	is_esp("ESP[AESGCM128]", POLICY_CIPHER_AESGCM128, POLICY_HASH_NONE);
	is_esp("ESP[AESGCM256,NONE]", POLICY_CIPHER_AESGCM256, POLICY_HASH_NONE);
	prints("-f 0+* -n esp[md5,des] ah[sha1]", "-f 0+* -n ESP[DES,MD5] AH[SHA]");
}

static void test_C11_lifetimes_and_pfs(void **state)
{
	struct offer offer = offer_of("ESP[3DES,SHA]3600S/5000KPFS2");

	(void)state;
	assert_int_equal(offer.qm.lifetime_seconds, 3600);
	assert_int_equal(offer.qm.lifetime_kilobytes, 5000);
	assert_int_equal(offer.pfs_group, 2);
	offer = offer_of("ESP[3DES,SHA]3600S");
	assert_int_equal(offer.qm.lifetime_seconds, 3600);
	assert_int_equal(offer.qm.lifetime_kilobytes, 0);
	assert_int_equal(offer.pfs_group, POLICY_PFS_NONE);
	/* on all forms, in both orders and in any case */
	offer = offer_of("ah[md5]30000k/900sp1");
	assert_int_equal(offer.qm.lifetime_kilobytes, 30000);
	assert_int_equal(offer.qm.lifetime_seconds, 900);
	assert_int_equal(offer.pfs_group, 1);
	assert_int_equal(offer_of("AH[SHA]P").pfs_group, POLICY_PFS_MAIN_MODE);
	assert_int_equal(offer_of("AH[SHA]pfs").pfs_group, POLICY_PFS_MAIN_MODE);
	assert_int_equal(offer_of("AH[SHA]+ESP[DES,MD5]PFS14").pfs_group, 14);
	assert_int_equal(offer_of("AH[SHA]PFS3").pfs_group, 14);
	assert_int_equal(offer_of("AH[SHA]P21").pfs_group, 21);
	bad("-f 0+* -n AH[SHA]3600", "-n AH[SHA]3600|3600S/100000K");
	bad("-f 0+* -n AH[SHA]3600S/900S", "two lifetimes in seconds");
	bad("-f 0+* -n AH[SHA]299S", "300 to 172799 seconds");
	bad("-f 0+* -n AH[SHA]0S", "300 to 172799 seconds");
	bad("-f 0+* -n AH[SHA]99999999999K", "is not a lifetime");
	bad("-f 0+* -n AH[SHA]999K", "1000 to");
	bad("-f 0+* -n AH[SHA]PFS4", "no Diffie-Hellman group 4");
	bad("-f 0+* -n AH[SHA]PFSx", "behind PFS");
	bad("-f 0+* -n AH[SHA]PFS2x", "behind PFS");
}

static void test_C12_refused_offers(void **state)
{
	(void)state;
	bad("-f 0+* -n ESP[NONE,NONE]", "-n ESP[NONE,NONE]|needs encryption, integrity or both");
	bad("-f 0+* -n ESP[DES40,MD5]", "40 bits");
	bad("-f 0+* -n ESP[DES,3DES]", "of one kind");
	bad("-f 0+* -n ESP[MD5,SHA]", "of one kind");
	bad("-f 0+* -n ESP[DES,RIPE]", "\"RIPE\" is no algorithm");
	bad("-f 0+* -n ESP[DES]", "ESP[3DES,SHA]");
	bad("-f 0+* -n ESP[DES,MD5", "\"]\" is missing");
	bad("-f 0+* -n ESP[DES,MD5]+ESP[DES,MD5]", "ESP stands twice");
	bad("-f 0+* -n AH[MD5]+AH[SHA]", "AH stands twice");
	bad("-f 0+* -n AH[NONE]", "AH");
	bad("-f 0+* -n AH[DES]", "no algorithm for AH");
	bad("-f 0+* -n AH[MD5]+", "an offer is");
	bad("-f 0+* -n nonsense", "an offer is");
	bad("-f 0+* -n ESP[AESGCM128,SHA]", "GCM");
}

static void test_C13_static_actions(void **state)
{
	_cleanup_(run_freep) struct run *run = good("-w REG -p a -r b -f 0+* -n block");
	_cleanup_(run_freep) struct run *pass = good("-w REG -p a -r b -f 0+* -n PASS ah[md5]");
	_cleanup_(run_freep) struct run *in = good("-w REG -p a -r b -f 0+* -n inpass ah[md5]");

	(void)state;
	assert_int_equal(run->action, RUN_ACTION_BLOCK);
	assert_int_equal(run->n_warnings, 0);
	assert_int_equal(pass->action, RUN_ACTION_PASS);
	assert_int_equal(pass->n_warnings, 1);
	assert_true(in->inpass && in->action == RUN_ACTION_NEGOTIATE);
	assert_int_equal(in->n_offers, 1);
	bad("-f 0+* -n BLOCK", "-n|[ ]");
	bad("-f 0+* -n PASS", "-n|( )");
	bad("-f 0+* -n INPASS", "-n|-w");
	bad("-w REG -p a -r b -f 0+* -n BLOCK PASS", "-n PASS|exclude each other");
	bad("-w REG -p a -r b -f 0+* -n BLOCK INPASS", "INPASS|BLOCK");
}

static void test_C15_C35_tunnel(void **state)
{
	_cleanup_(run_freep) struct run *run = good("-f 128.2.1.1=128.2.1.13 -t 128.2.1.13");
	_cleanup_(run_freep) struct run *named = good("-t gate.example.org -f 10.*=11.*");

	(void)state;
	is_subnet(&run->tunnel, 0x8002010d, 0xffffffff);
	assert_string_equal(named->tunnel.name, "gate.example.org");
	bad("-f 128.2.1.1+128.2.1.13 -t 128.2.1.13", "-t|write = instead of +");
	bad("-f a=b -t *", "-t *|one host");
	bad("-f a=b -t 0", "one host");
	bad("-f a=b -t 10.*.x", "is not an address");
	bad("-f a=b -t", "-t lacks its value");
	bad("-f a=b -t 1.2.3.4 -t 1.2.3.5", "-t is given twice");
}

static void test_C16_C30_C38_methods(void **state)
{
	_cleanup_(run_freep) struct run *run =
		good("-f 0+* -aPreshare:\"A b\" k cert:\"CN=A B, O=c\" C:OU=x");
	_cleanup_(run_freep) struct run *ace = good("-f 0+* -a P:ace");
	_cleanup_(run_freep) struct run *other = good("-f 0+* -a P:Ace");
	_cleanup_(policy_secret_freep) char *text = print_run_to_text(run, false);

	(void)state;
	assert_int_equal(run->n_methods, 4);
	assert_int_equal(run->methods[0].kind, POLICY_METHOD_PSK);
	assert_string_equal(run->methods[0].secret, "A b");
	assert_int_equal(run->methods[1].kind, POLICY_METHOD_KERBEROS);
	assert_string_equal(run->methods[2].secret, "CN=A B, O=c");
	assert_string_equal(run->methods[3].secret, "OU=x");
	assert_string_equal(text, "-f 0+* -a PRESHARE:* KERBEROS \"CERT:CN=A B, O=c\" CERT:OU=x");
	assert_false(run_is_equal(ace, other));
	/* a key is not repeated, whatever is wrong */
	bad("-f 0+* -a PRESHARED:tooltime", "-a: a method is");
	bad("-f 0+* -a P:", "-a: psk|blank");
	bad("-f 0+* -a C:", "-a: rootca");
	prints("-f 0+* -a C:\"CN=x certmap:yes\"", "-f 0+* -a \"CERT:CN=x certmap:yes excludecaname:no\"");
}

static void test_C18_switches(void **state)
{
	_cleanup_(run_freep) struct run *run = good("-SOFT -Lan -f 0+* -c");

	(void)state;
	assert_int_equal(run->given, RUN_GIVEN_SOFT | RUN_GIVEN_LAN | RUN_GIVEN_CONFIRM |
			 RUN_GIVEN_FILTERS);
	prints("-dialup -confirm -f 0+*", "-f 0+* -dialup -confirm");
	bad("-f 0+* -lan -dialup", "-lan and -dialup exclude each other");
	bad("-w REG -p a -r b -f 0+* -c", "-confirm|leave it out");
	bad("-f 0+* -cx", "no flag -cx");
}

static void test_C19_phase1(void **state)
{
	_cleanup_(run_freep) struct run *run =
		good("-f 0+* -1s 3des-sha-2 DES-MD5-1 -1p -1k 10q/3600S -1e 600 -1f 0+10.* 10.1.*=0");

	(void)state;
	assert_int_equal(run->n_mm_offers, 2);
	assert_int_equal(run->mm_offers[0].cipher, POLICY_CIPHER_3DES);
	assert_int_equal(run->mm_offers[0].hash, POLICY_HASH_SHA1);
	assert_int_equal(run->mm_offers[0].group, 2);
	assert_int_equal(run->mm_life.quick_modes, 10);
	assert_int_equal(run->mm_life.seconds, 3600);
	assert_int_equal(run->soft_seconds, 600);
	assert_int_equal(run->mm_filters.n, 2);
	assert_int_equal(run->n_warnings, 1);	/* 10 quick modes are not much with -1p */
	prints("-1s3des-sha1-2 aes256-sha384-20 -f a+b", "-f a+b -1s 3DES-SHA-2 AES256-SHA384-20");
	prints("-1k 3600s -f a+b", "-f a+b -1k 3600S");
	prints("-1s 3des-sha-2", "-1s 3DES-SHA-2");	/* an IKE policy by itself */
	bad("-f 0+* -1s DES-SHA", "-1s DES-SHA");
	bad("-f 0+* -1s AESGCM128-SHA-2", "GCM");
	bad("-f 0+* -1k 10", "-1k 10|10Q/3600S");
	bad("-f 0+* -1k 10Q/5Q", "same unit");
	bad("-f 0+* -1k 1S", "60 to");
	bad("-f 0+* -1e 0", "-1e 0|1 to 86400");
	bad("-f 0+* -1f 0+10.0.0.1:80", "-1f 0+10.0.0.1:80|addresses only");
	bad("-f 0+* -1f (0+*)", "addresses only");
	prints("-w REG -p a -r b -1f 10.1.*=0", "-1f 10.1.0.0/255.255.0.0=0 -w REG -p a -r b");
}

static void test_C19_leftovers_of_betas(void **state)
{
	_cleanup_(run_freep) struct run *run = good("-f 0+* -1s 3des-md5-3");

	(void)state;
	assert_int_equal(run->mm_offers[0].group, 14);
	assert_int_equal(run->n_warnings, 1);
	assert_non_null(strstr(run->warnings[0], "group 14"));
	bad("-f 0+* -1s des40-md5-3", "-1s des40-md5-3|40 bits|3DES-SHA-2");
}

static void test_C21_C22_stores(void **state)
{
	_cleanup_(run_freep) struct run *run = good("-w reg -p \"Secure My Traffic\":30 -r b -f 0+*");
	_cleanup_(run_freep) struct run *ds = good("-w DS:example.org -p a:b:0 -r b -f 0+*");

	(void)state;
	assert_int_equal(run->store, RUN_STORE_REGISTRY);
	assert_string_equal(run->policy, "Secure My Traffic");
	assert_true(run->has_polling);
	assert_int_equal(run->polling_minutes, 30);
	assert_int_equal(ds->store, RUN_STORE_DIRECTORY);
	assert_string_equal(ds->domain, "example.org");
	assert_string_equal(ds->policy, "a:b");
	prints("-w DS -p a:b -r-f -f0+*", "-f 0+* -w DS -p a:b -r-f");
	bad("-w REG:x -p a -r b -f 0+*", "-w REG:x|a domain goes with DS");
	bad("-w FILE -p a -r b -f 0+*", "-w FILE|REG");
	bad("-w DS: -p a -r b -f 0+*", "the domain");
	bad("-w REG -r b -f 0+*", "-p is missing");
	bad("-w REG -p a -f 0+*", "-r is missing");
	bad("-w REG -p a:99999999999 -r b -f 0+*", "-p|minutes");
	bad("-w REG -p :30 -r b -f 0+*", "-p :30|name is missing");
	bad("-w REG -p a", "nothing to do");
	bad("-p a -r b -f 0+*", "-p|-w REG");
	bad("-r b -f 0+*", "-r|-w REG");
}

static void test_C23_C24_C25_changes(void **state)
{
	_cleanup_(run_freep) struct run *run = good("-w REG -p a -r b -a k");
	_cleanup_(run_freep) struct run *assign = good("-w REG -p a -x");

	(void)state;
	assert_int_equal(run->given, RUN_GIVEN_STORE | RUN_GIVEN_POLICY | RUN_GIVEN_RULE |
			 RUN_GIVEN_METHODS);
	assert_true(assign->given & RUN_GIVEN_ASSIGN);
	prints("-w REG -o -p a", "-w REG -p a -o");
	prints("-w REG -p a:60", "-w REG -p a:60");
	bad("-w REG -p a -x -y", "exclude each other");
	bad("-w DS -p a -x", "-w REG|group policy");
	bad("-w REG -p a -o -x", "-o|two commands");
	bad("-w REG -p a -r b -o", "-o|two commands");
	bad("-f 0+* -x", "-w REG");
	bad("-f 0+* -o", "-u deletes");
}

static void test_C01_C26_C27_modes(void **state)
{
	_cleanup_(run_freep) struct run *wipe = good("-u");
	_cleanup_(run_freep) struct run *batch = good("-file \"my rules.txt\"");

	(void)state;
	assert_int_equal(run_mode(wipe), RUN_WIPE);
	assert_int_equal(run_mode(batch), RUN_BATCH);
	assert_string_equal(batch->file, "my rules.txt");
	prints("-fileabc", "-file abc");	/* and not -f ileabc */
	bad("show all -w REG", "show -w|no flags");
	bad("-w REG show all", "show");
	bad("-f 0+* show", "-f show|joined");
	bad("-x show", "show comes before everything");
	bad("-u -f 0+*", "-u|two commands");
	bad("-file a -u", "-file|lines of the file");
	bad("-nosuch", "an offer is");
	bad("-zzz", "no flag -zzz");
	bad("-", "no flag -");
	prints("-file -", "-file -");
	bad("-w REG", "-p is missing");
}

static void test_C31_queries(void **state)
{
	_cleanup_(run_freep) struct run *all = good("show ALL");
	_cleanup_(run_freep) struct run *two = good("Show sas Filters");

	(void)state;
	assert_int_equal(run_mode(all), RUN_QUERY);
	assert_int_equal(all->queries, RUN_QUERY_ALL);
	assert_int_equal(two->queries, RUN_QUERY_SAS | RUN_QUERY_FILTERS);
	prints("show filters policies auth stats sas", "show all");
	prints("show sas filters", "show filters sas");
	bad("show", "show what?");
	bad("show policy", "show policy|policies");
}

static void test_C02_machine(void **state)
{
	_cleanup_(run_freep) struct run *run = good("\\\\RemoteMachine show filters policies");

	(void)state;
	assert_string_equal(run->machine, "RemoteMachine");
	prints("\\host -u", "\\\\host -u");	/* what a shell leaves of two backslashes */
	prints("\\\\root@10.0.0.1 -u", "\\\\root@10.0.0.1 -u");
	bad("-u \\\\host", "comes first");
	bad("\\\\-oProxyCommand=x -u", "name of a machine");
	bad("\\\\a$b -u", "cannot be in the name");
	bad("\\\\ -u", "name of a machine");
}

static void test_help(void **state)
{
	static const char *const lines[] = { "", "-?", "-h", "/?", "-help", "-f 0+* -?" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		_cleanup_(run_freep) struct run *run = NULL;
		char why[RUN_WHY_LEN];

		assert_int_equal(parse(lines[i], &run, why), 0);
		assert_int_equal(run_mode(run), RUN_HELP);
	}
}

static void test_C33_no_interface_in_a_store(void **state)
{
	(void)state;
	bad("-w REG -p a -r b -f {11E6E97E-0031-49f5-AC7D-5F2FE99BABAF}+*", "-f|no interfaces|11E6E97E");
}

/* The examples of the help, as they stand there. */
static void test_C32_examples(void **state)
{
	(void)state;
	prints("-f 0+* -n ah[md5]", "-f 0+* -n AH[MD5]");
	prints("\\\\foobar0 -f foobar+foobar0 -n esp[des,sha]+ah[md5] -apreshare:tooltime -c",
	       "\\\\foobar0 -f foobar+foobar0 -n AH[MD5]+ESP[DES,SHA] -a PRESHARE:tooltime -confirm");
	bad("-f 128.2.1.1=128.2.1.13 -t 128.2.1.13 -n ah[sha] -apreshare:tooltime -1s des40-md5-3 "
	    "-1p -c", "des40-md5-3");
	prints("-f 128.2.1.1=128.2.1.13 -t 128.2.1.13 -n ah[sha] -apreshare:tooltime -1s des-md5-3 "
	       "-1p -c",
	       "-f 128.2.1.1=128.2.1.13 -n AH[SHA] -t 128.2.1.13 -a PRESHARE:tooltime -1s DES-MD5-14 "
	       "-1p -confirm");
	prints("-w DS -p \"Default Domain Policy\":30 -r \"Secured Servers\" -f 0+SecuredServer1 "
	       "0+SecuredServer2 -n ESP[MD5,DES] AH[MD5] -a KERBEROS P:ace -lan",
	       "-f 0+SecuredServer1 0+SecuredServer2 -n ESP[DES,MD5] AH[MD5] -a KERBEROS PRESHARE:ace "
	       "-w DS -p \"Default Domain Policy:30\" -r \"Secured Servers\" -lan");
	prints("-w REG -r \"Me to Anyone\" -p \"Secure My Traffic\" -f 0+* -n AH[MD5] -a P:ace -x",
	       "-f 0+* -n AH[MD5] -a PRESHARE:ace -w REG -p \"Secure My Traffic\" -r \"Me to Anyone\" "
	       "-x");
	prints("\\\\RemoteMachine show filters policies", "\\\\RemoteMachine show filters policies");
	prints("show all", "show all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_C01_C26_C27_modes),
		cmocka_unit_test(test_C02_machine),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_C04_C05_C09_filterspecs),
		cmocka_unit_test(test_C04_C08_refused),
		cmocka_unit_test(test_C06_pass_and_drop),
		cmocka_unit_test(test_C07_default),
		cmocka_unit_test(test_C08_addresses),
		cmocka_unit_test(test_C10_X14_offers),
		cmocka_unit_test(test_C11_lifetimes_and_pfs),
		cmocka_unit_test(test_C12_refused_offers),
		cmocka_unit_test(test_C13_static_actions),
		cmocka_unit_test(test_C15_C35_tunnel),
		cmocka_unit_test(test_C16_C30_C38_methods),
		cmocka_unit_test(test_C18_switches),
		cmocka_unit_test(test_C19_leftovers_of_betas),
		cmocka_unit_test(test_C19_phase1),
		cmocka_unit_test(test_C21_C22_stores),
		cmocka_unit_test(test_C23_C24_C25_changes),
		cmocka_unit_test(test_C31_queries),
		cmocka_unit_test(test_C32_examples),
		cmocka_unit_test(test_C33_no_interface_in_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
