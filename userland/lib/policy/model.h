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

#define POLICY_MAX_OFFERS	32		/* per method list; netsh stops at 10 */
#define POLICY_MAX_METHODS	16		/* authentication methods per rule */
#define POLICY_NAME_MAX		255		/* bytes of a name */

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

struct policy_rule {
	struct policy_address source;
	struct policy_address destination;
	char *mm_policy;
	char *qm_policy;		/* NULL when no action negotiates */
	uint8_t protocol;		/* 0 is any; RAW is 255 */
	uint16_t source_port;		/* 0 is any */
	uint16_t destination_port;
	bool mirrored;
	enum policy_connection connection;
	enum ipsecdrv_action inbound;	/* actioninbound */
	enum ipsecdrv_action outbound;	/* actionoutbound */
	bool has_tunnel;
	struct policy_address tunnel_destination;
	struct policy_method methods[POLICY_MAX_METHODS];	/* in the order of preference */
	size_t n_methods;
};

struct policy_mm_policy *policy_mm_policy_new(void);	/* with the defaults; NULL without memory */
struct policy_mm_policy *policy_mm_policy_free(struct policy_mm_policy *policy);
struct policy_qm_policy *policy_qm_policy_new(void);
struct policy_qm_policy *policy_qm_policy_free(struct policy_qm_policy *policy);
struct policy_rule *policy_rule_new(void);
struct policy_rule *policy_rule_free(struct policy_rule *rule);
/* deep copy; NULL without memory */
struct policy_rule *policy_rule_copy(const struct policy_rule *rule);

/* same selectors (addresses, masks, protocol, ports, mirrored, connection type, tunnel): netsh finds rules so */
bool policy_rule_is_same(const struct policy_rule *a, const struct policy_rule *b);

/*
 * Checks one object by itself. 0, or -EINVAL with a sentence in *ret_why (static or owned by the
 * caller's buffer) that names the field, the fault and the remedy.
 */
int policy_mm_policy_check(const struct policy_mm_policy *policy, char why[static 256]);
int policy_qm_policy_check(const struct policy_qm_policy *policy, char why[static 256]);
int policy_rule_check(const struct policy_rule *rule, char why[static 256]);

/* the three-letter names of the user interface; NULL for what is not a value */
const char *policy_hash_name(enum policy_hash hash);		/* "SHA1" */
const char *policy_cipher_name(enum policy_cipher cipher);	/* "3DES" */

#endif /* POLICY_MODEL_H */
