// SPDX-License-Identifier: GPL-2.0-only
/*
 * An AEAD and a hash that complete when a test says so, in the order and with the result that it
 * wants. Inside they are rfc4106(gcm(aes)) and hmac(sha1).
 */
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <crypto/internal/aead.h>
#include <crypto/internal/hash.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/spinlock.h>

#include "sa_test.h"

enum shim_mode shim_mode;
int shim_error;

/* in front of the request's context in both cases */
struct shim_request {
	struct list_head list;
	struct crypto_async_request *base;
	int (*work)(struct shim_request *request);
};

struct shim_aead_request {
	struct shim_request request;
	bool is_encryption;
	struct aead_request child;	/* last: its context follows */
};

struct shim_hash_request {
	struct shim_request request;
	struct ahash_request child;
};

struct shim_aead {
	struct crypto_aead *child;
};

struct shim_hash {
	struct crypto_ahash *child;
};

static LIST_HEAD(waiting);
static DEFINE_SPINLOCK(waiting_lock);	/* bottom halves off */

static int take(struct shim_request *request, struct crypto_async_request *base,
		int (*work)(struct shim_request *request))
{
	request->base = base;
	request->work = work;
	switch (shim_mode) {
	case SHIM_NOW:
		return work(request);
	case SHIM_LATER:
		spin_lock_bh(&waiting_lock);
		list_add_tail(&request->list, &waiting);
		spin_unlock_bh(&waiting_lock);
		return -EINPROGRESS;
	case SHIM_REFUSE:
		break;
	}
	return shim_error;
}

static struct shim_request *nth(unsigned int index)
{
	struct shim_request *request;

	list_for_each_entry(request, &waiting, list)
		if (!index--)
			return request;
	return NULL;
}

unsigned int shim_pending(void)
{
	struct shim_request *request;
	unsigned int n = 0;

	list_for_each_entry(request, &waiting, list)
		n++;
	return n;
}

static void call(struct crypto_async_request *base, int error)
{
	local_bh_disable();
	crypto_request_complete(base, error);
	local_bh_enable();
}

void shim_complete(unsigned int index, int error)
{
	struct shim_request *request = nth(index);
	int result;

	if (WARN_ON(!request))
		return;
	spin_lock_bh(&waiting_lock);
	list_del(&request->list);
	spin_unlock_bh(&waiting_lock);
	result = request->work(request);
	call(request->base, error ?: result);
}

void shim_announce(unsigned int index)
{
	struct shim_request *request = nth(index);

	if (!WARN_ON(!request))
		call(request->base, -EINPROGRESS);
}

/* --- AEAD --------------------------------------------------------------- */

static int aead_work(struct shim_request *request)
{
	struct shim_aead_request *this = container_of(request, struct shim_aead_request, request);

	return this->is_encryption ? crypto_aead_encrypt(&this->child) :
				     crypto_aead_decrypt(&this->child);
}

static int aead_take(struct aead_request *req, bool is_encryption)
{
	struct shim_aead *shim = crypto_aead_ctx(crypto_aead_reqtfm(req));
	struct shim_aead_request *this = aead_request_ctx(req);

	this->is_encryption = is_encryption;
	aead_request_set_tfm(&this->child, shim->child);
	aead_request_set_callback(&this->child, 0, NULL, NULL);
	aead_request_set_ad(&this->child, req->assoclen);
	aead_request_set_crypt(&this->child, req->src, req->dst, req->cryptlen, req->iv);
	return take(&this->request, &req->base, aead_work);
}

static int shim_encrypt(struct aead_request *req)
{
	return aead_take(req, true);
}

static int shim_decrypt(struct aead_request *req)
{
	return aead_take(req, false);
}

static int shim_aead_setkey(struct crypto_aead *tfm, const u8 *key, unsigned int len)
{
	struct shim_aead *shim = crypto_aead_ctx(tfm);

	return crypto_aead_setkey(shim->child, key, len);
}

static int shim_setauthsize(struct crypto_aead *tfm, unsigned int size)
{
	struct shim_aead *shim = crypto_aead_ctx(tfm);

	return crypto_aead_setauthsize(shim->child, size);
}

static int shim_aead_init(struct crypto_aead *tfm)
{
	struct shim_aead *shim = crypto_aead_ctx(tfm);

	shim->child = crypto_alloc_aead("rfc4106(gcm(aes))", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(shim->child))
		return PTR_ERR(shim->child);
	crypto_aead_set_reqsize(tfm, sizeof(struct shim_aead_request) +
				     crypto_aead_reqsize(shim->child));
	return 0;
}

static void shim_aead_exit(struct crypto_aead *tfm)
{
	struct shim_aead *shim = crypto_aead_ctx(tfm);

	crypto_free_aead(shim->child);
}

static struct aead_alg aead_alg = {
	.setkey = shim_aead_setkey,
	.setauthsize = shim_setauthsize,
	.encrypt = shim_encrypt,
	.decrypt = shim_decrypt,
	.init = shim_aead_init,
	.exit = shim_aead_exit,
	.ivsize = 8,
	.maxauthsize = 16,
	.base = {
		.cra_name = SHIM_AEAD,
		.cra_driver_name = SHIM_AEAD,
		.cra_flags = CRYPTO_ALG_ASYNC,
		.cra_blocksize = 1,
		.cra_ctxsize = sizeof(struct shim_aead),
		.cra_module = THIS_MODULE,
	},
};

/* --- hash --------------------------------------------------------------- */

static int hash_work(struct shim_request *request)
{
	struct shim_hash_request *this = container_of(request, struct shim_hash_request, request);

	return crypto_ahash_digest(&this->child);
}

static int shim_digest(struct ahash_request *req)
{
	struct shim_hash *shim = crypto_ahash_ctx(crypto_ahash_reqtfm(req));
	struct shim_hash_request *this = ahash_request_ctx(req);

	ahash_request_set_tfm(&this->child, shim->child);
	ahash_request_set_callback(&this->child, 0, NULL, NULL);
	ahash_request_set_crypt(&this->child, req->src, req->result, req->nbytes);
	return take(&this->request, &req->base, hash_work);
}

static int shim_hash_setkey(struct crypto_ahash *tfm, const u8 *key, unsigned int len)
{
	struct shim_hash *shim = crypto_ahash_ctx(tfm);

	return crypto_ahash_setkey(shim->child, key, len);
}

static int shim_hash_init(struct crypto_tfm *tfm)
{
	struct shim_hash *shim = crypto_tfm_ctx(tfm);

	shim->child = crypto_alloc_ahash("hmac(sha1)", 0, CRYPTO_ALG_ASYNC);
	if (IS_ERR(shim->child))
		return PTR_ERR(shim->child);
	crypto_ahash_set_reqsize(__crypto_ahash_cast(tfm), sizeof(struct shim_hash_request) +
				 crypto_ahash_reqsize(shim->child));
	return 0;
}

static void shim_hash_exit(struct crypto_tfm *tfm)
{
	struct shim_hash *shim = crypto_tfm_ctx(tfm);

	crypto_free_ahash(shim->child);
}

static struct ahash_alg ahash_alg = {
	.digest = shim_digest,
	.setkey = shim_hash_setkey,
	.halg = {
		.digestsize = 20,
		.statesize = 1,
		.base = {
			.cra_name = SHIM_AHASH,
			.cra_driver_name = SHIM_AHASH,
			.cra_flags = CRYPTO_ALG_ASYNC | CRYPTO_ALG_NO_FALLBACK,
			.cra_blocksize = 64,
			.cra_ctxsize = sizeof(struct shim_hash),
			.cra_init = shim_hash_init,
			.cra_exit = shim_hash_exit,
			.cra_module = THIS_MODULE,
		},
	},
};

int shim_register(void)
{
	int err = crypto_register_aead(&aead_alg);

	if (err)
		return err;
	err = crypto_register_ahash(&ahash_alg);
	if (err)
		crypto_unregister_aead(&aead_alg);
	return err;
}

void shim_unregister(void)
{
	crypto_unregister_ahash(&ahash_alg);
	crypto_unregister_aead(&aead_alg);
}
