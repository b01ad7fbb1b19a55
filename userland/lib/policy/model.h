/* SPDX-License-Identifier: MIT */
/*
 * The policy model: what an administrator wrote, checked, with names resolved to nothing yet.
 * Words and limits are those of the netsh ipsec contexts.
 *
 * Here are the objects of the dynamic context: main mode policies, quick mode policies and rules
 * between them. Every string is owned by its object.
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ipsecdrv.h>

#include "base/addr.h"
#include "base/cleanup.h"

#define POLICY_MAX_OFFERS	20		/* per method list, as in lib/ike; netsh stops at 10 */
#define POLICY_MAX_METHODS	16		/* authentication methods per rule */
#define POLICY_NAME_MAX		255		/* bytes of a name */
#define POLICY_SECRET_MAX	4096		/* bytes of a preshared key or of a CA's name */
#define POLICY_INTERFACE_MAX	15		/* bytes of an interface's name, as the driver's */
#define POLICY_WHY_LEN		256		/* buffer for the sentence of a refusal */

/* Integrity and prf hashes; the numbers are ours, lib/ike maps them to the registries'. */
enum policy_hash {
	POLICY_HASH_NONE,
	POLICY_HASH_MD5,
	POLICY_HASH_SHA1,
	POLICY_HASH_SHA256,
	POLICY_HASH_SHA384,
	POLICY_HASH_SHA512,
};

enum policy_cipher {
	POLICY_CIPHER_NONE,		/* ESP: RFC 2410's null */
	POLICY_CIPHER_DES,
	POLICY_CIPHER_3DES,
	POLICY_CIPHER_AES128,
	POLICY_CIPHER_AES192,
	POLICY_CIPHER_AES256,
	POLICY_CIPHER_AESGCM128,
	POLICY_CIPHER_AESGCM256,
};

/* "3DES-SHA1-2": one offer of main mode */
struct policy_mm_offer {
	enum policy_cipher cipher;	/* never none, never GCM */
	enum policy_hash hash;		/* never none */
	uint8_t group;			/* Diffie-Hellman group by its IKE number: 1, 2, 5, 14-21 */
};

/* "AH[SHA1]+ESP[3DES,MD5]:100000k/3600s": one offer of quick mode */
struct policy_qm_offer {
	bool has_ah;
	bool has_esp;
	enum policy_hash ah_hash;
	enum policy_cipher esp_cipher;
	enum policy_hash esp_hash;	/* none is only good beside a GCM or DES/3DES/AES cipher */
	uint32_t lifetime_kilobytes;	/* 0 is the default, 100000 */
	uint32_t lifetime_seconds;	/* 0 is the default, 3600 */
};

struct policy_mm_policy {
	char *name;
	uint32_t quick_modes;		/* qmpermm; 0 is no limit */
	uint32_t lifetime_minutes;	/* mmlifetime; 480 */
	uint32_t soft_sa_seconds;	/* softsaexpirationtime; 300 */
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	size_t n_offers;
};

/* pfsgroup: an IKE group number, or one of these */
#define POLICY_PFS_NONE		0
#define POLICY_PFS_MAIN_MODE	255	/* GRPMM: the group of the main mode */

struct policy_qm_policy {
	char *name;
	bool soft;			/* clear text when the peer does not answer IKE */
	uint8_t pfs_group;
	struct policy_qm_offer offers[POLICY_MAX_OFFERS];
	size_t n_offers;
};

/* How one side of a rule names its addresses. */
enum policy_address_kind {
	POLICY_ADDRESS_ME,
	POLICY_ADDRESS_ANY,
	POLICY_ADDRESS_IP,		/* address and mask */
	POLICY_ADDRESS_NAME,		/* DNS name */
	POLICY_ADDRESS_WINS,
	POLICY_ADDRESS_DNS,
	POLICY_ADDRESS_DHCP,
	POLICY_ADDRESS_GATEWAY,
};

struct policy_address {
	enum policy_address_kind kind;
	struct ip_addr addr;		/* kind IP */
	struct ip_addr mask;		/* kind IP; IPv4 masks need not be contiguous */
	char *name;			/* kind NAME */
};

enum policy_method_kind {
	POLICY_METHOD_KERBEROS,
	POLICY_METHOD_PSK,
	POLICY_METHOD_ROOT_CA,
};

struct policy_method {
	enum policy_method_kind kind;
	char *secret;			/* PSK, or the CA's name; wiped when freed */
	bool cert_map;
	bool exclude_ca_name;
};

enum policy_connection {
	POLICY_CONNECTION_ALL,
	POLICY_CONNECTION_LAN,
	POLICY_CONNECTION_DIALUP,
};

/* Where a rule's main mode filter, the addresses that main mode is made for, comes from. */
enum policy_main_mode {
	POLICY_MAIN_MODE_OWN,		/* the rule's own addresses are one */
	POLICY_MAIN_MODE_OTHERS,	/* it makes none: without another rule's it is not negotiated */
	POLICY_MAIN_MODE_ONLY,		/* the rule is a main mode filter and nothing else */
};

struct policy_rule {
	struct policy_address source;
	struct policy_address destination;
	char *mm_policy;		/* may be NULL when no action negotiates */
	char *qm_policy;		/* may be NULL when no action negotiates */
	uint8_t protocol;		/* 0 is any; RAW is 255 */
	uint16_t source_port;		/* 0 is any */
	uint16_t destination_port;
	bool mirrored;
	enum policy_connection connection;
	char *interface;		/* the one that it is for; NULL: all of the connection type */
	enum ipsecdrv_action inbound;	/* actioninbound */
	enum ipsecdrv_action outbound;	/* actionoutbound */
	bool has_tunnel;
	struct policy_address tunnel_destination;
	/*
	 * The default response rule: no filter list, from me to any. It answers peers that no
	 * other rule is for.
	 */
	bool is_default_response;
	enum policy_main_mode main_mode;
	struct policy_method methods[POLICY_MAX_METHODS];	/* in the order of preference */
	size_t n_methods;
};

/* The fields of an object by their tags: what a command or a message named. */
enum policy_field {
	/* both kinds of policy */
	POLICY_FIELD_NAME		= 1 << 0,
	/* main mode policy */
	POLICY_FIELD_QMPERMM		= 1 << 1,
	POLICY_FIELD_MMLIFETIME		= 1 << 2,
	POLICY_FIELD_SOFTSAEXPIRATIONTIME = 1 << 3,
	POLICY_FIELD_MMSECMETHODS	= 1 << 4,
	/* quick mode policy */
	POLICY_FIELD_SOFT		= 1 << 5,
	POLICY_FIELD_PFSGROUP		= 1 << 6,
	POLICY_FIELD_QMSECMETHODS	= 1 << 7,
	/* rule: selectors, which netsh finds a rule by */
	POLICY_FIELD_SRCADDR		= 1 << 8,	/* with srcmask */
	POLICY_FIELD_DSTADDR		= 1 << 9,	/* with dstmask */
	POLICY_FIELD_PROTOCOL		= 1 << 10,
	POLICY_FIELD_SRCPORT		= 1 << 11,
	POLICY_FIELD_DSTPORT		= 1 << 12,
	POLICY_FIELD_MIRRORED		= 1 << 13,
	POLICY_FIELD_CONNTYPE		= 1 << 14,
	POLICY_FIELD_TUNNELDSTADDRESS	= 1 << 15,
	/* rule: what Set can change */
	POLICY_FIELD_MMPOLICY		= 1 << 16,
	POLICY_FIELD_QMPOLICY		= 1 << 17,
	POLICY_FIELD_ACTIONINBOUND	= 1 << 18,
	POLICY_FIELD_ACTIONOUTBOUND	= 1 << 19,
	POLICY_FIELD_AUTH		= 1 << 20,	/* kerberos, psk, rootca: the whole list */
	/* rule: a selector, too */
	POLICY_FIELD_DEFAULTRESPONSE	= 1 << 21,
	POLICY_FIELD_INTERFACE		= 1 << 22,
	POLICY_FIELD_MAINMODE		= 1 << 23,
};

#define POLICY_FIELDS_SELECTOR	0x00e0ff00u

/*
 * _new: with the defaults of netsh; NULL without memory. _copy: deep; NULL without memory.
 * _free: NULL is allowed, secrets are wiped, returns NULL.
 */
struct policy_mm_policy *policy_mm_policy_new(void);
struct policy_mm_policy *policy_mm_policy_copy(const struct policy_mm_policy *policy);
struct policy_mm_policy *policy_mm_policy_free(struct policy_mm_policy *policy);
struct policy_qm_policy *policy_qm_policy_new(void);
struct policy_qm_policy *policy_qm_policy_copy(const struct policy_qm_policy *policy);
struct policy_qm_policy *policy_qm_policy_free(struct policy_qm_policy *policy);
struct policy_rule *policy_rule_new(void);	/* actions negotiate, mirrored, Kerberos */
struct policy_rule *policy_rule_copy(const struct policy_rule *rule);
struct policy_rule *policy_rule_free(struct policy_rule *rule);

DEFINE_CLEANUP(struct policy_mm_policy *, policy_mm_policy_free);
DEFINE_CLEANUP(struct policy_qm_policy *, policy_qm_policy_free);
DEFINE_CLEANUP(struct policy_rule *, policy_rule_free);

/*
 * Sets the fields in @given of @policy to those of @changes; name and selectors are left alone.
 * 0 or -ENOMEM, and then nothing has changed. Check the result before it is used.
 */
int policy_mm_policy_merge(struct policy_mm_policy *policy, const struct policy_mm_policy *changes,
			   uint32_t given);
int policy_qm_policy_merge(struct policy_qm_policy *policy, const struct policy_qm_policy *changes,
			   uint32_t given);
int policy_rule_merge(struct policy_rule *rule, const struct policy_rule *changes, uint32_t given);

/* All fields equal, secrets included. */
bool policy_mm_policy_is_equal(const struct policy_mm_policy *a, const struct policy_mm_policy *b);
bool policy_qm_policy_is_equal(const struct policy_qm_policy *a, const struct policy_qm_policy *b);
bool policy_rule_is_equal(const struct policy_rule *a, const struct policy_rule *b);

bool policy_address_is_equal(const struct policy_address *a, const struct policy_address *b);

/*
 * Same selectors (addresses, masks, protocol, ports, mirrored, connection type, interface,
 * tunnel, default response, main mode): netsh finds rules so.
 */
bool policy_rule_is_same(const struct policy_rule *a, const struct policy_rule *b);

/* One of the actions is negotiate. */
bool policy_rule_is_negotiated(const struct policy_rule *rule);

/* Names of policies are compared without regard to (ASCII) case. */
bool policy_name_is_equal(const char *a, const char *b);

/*
 * Checks one object by itself. 0, or -EINVAL with a sentence in @why that names the field, the
 * fault and the remedy.
 */
int policy_mm_policy_check(const struct policy_mm_policy *policy, char why[static POLICY_WHY_LEN]);
int policy_qm_policy_check(const struct policy_qm_policy *policy, char why[static POLICY_WHY_LEN]);
int policy_rule_check(const struct policy_rule *rule, char why[static POLICY_WHY_LEN]);

/* The names of the user interface; NULL for what is not a value. */
const char *policy_hash_name(enum policy_hash hash);		/* "SHA1" */
const char *policy_cipher_name(enum policy_cipher cipher);	/* "3DES" */
const char *policy_main_mode_name(enum policy_main_mode main_mode);	/* "own" */

#endif /* POLICY_MODEL_H */
