/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The algorithms of security associations, over the kernel's crypto API.
 */
#ifndef IPD_CRYPTO_H
#define IPD_CRYPTO_H

#include <linux/types.h>

struct crypto_aead;
struct crypto_ahash;
struct ipd_sa_config;
struct netlink_ext_ack;

/* the largest values of any algorithm */
#define IPD_CRYPTO_MAX_IV	16
#define IPD_CRYPTO_MAX_ICV	32
#define IPD_CRYPTO_MAX_DIGEST	64

/* What one association needs to know about its algorithms. Read-only once it is set up. */
struct ipd_crypto {
	struct crypto_aead *aead;	/* ESP; integrity included */
	struct crypto_ahash *ahash;	/* AH */
	unsigned int request_size;	/* of a request of the crypto API, its context included */
	u8 iv_len;			/* in the packet */
	u8 block;			/* what ciphertext is padded to; 4 at least (RFC 4303, 2.4) */
	u8 icv_len;			/* in the packet: truncated */
	bool is_counter;		/* IV: the sequence number if so, else unpredictable bytes */
	bool is_encrypting;
	bool is_authenticating;
	bool is_extended;		/* numbers of 64 bits, the upper half is authenticated too */
	bool is_async;			/* requests may complete later */
};

/*
 * Whether the algorithms of @config exist, fit together and have keys of the right length;
 * -EINVAL with extack.
 */
int ipd_crypto_check(const struct ipd_sa_config *config, struct netlink_ext_ack *extack);

/* Process context; may load modules. @config has been checked. Errors with extack. */
int ipd_crypto_init(struct ipd_crypto *crypto, const struct ipd_sa_config *config,
		    struct netlink_ext_ack *extack);
/* Process context; wipes the keys. Takes a zeroed @crypto too. */
void ipd_crypto_exit(struct ipd_crypto *crypto);

#endif /* IPD_CRYPTO_H */
