/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Just enough of the kernel to compile the pure parts of the driver as a program, so that their
 * tests run fast and under the sanitizers. The files in include/ are links to this one.
 *
 * One thread, one CPU. What waits for a grace period is kept until rcu_barrier(), so a use after
 * it is a use after free to the address sanitizer, and one before it is not.
 */
#ifndef IPD_SHIM_H
#define IPD_SHIM_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

/* types */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef uint16_t __be16;
typedef uint32_t __be32;
typedef unsigned int gfp_t;

#define U32_MAX		UINT32_MAX
#define U64_MAX		UINT64_MAX

union nf_inet_addr {
	u32 all[4];
	__be32 ip;
	__be32 ip6[4];
	struct in6_addr in6;
};

enum { NFPROTO_IPV4 = 2, NFPROTO_IPV6 = 10 };

#define IFNAMSIZ	16

struct hlist_node {
	struct hlist_node *next, **pprev;
};

/* compiler */
#define __rcu
#define __percpu
#define __force
#define __init
#define __must_check		__attribute__((warn_unused_result))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define ____cacheline_aligned	__attribute__((aligned(64)))
#define noinline		__attribute__((noinline))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define prefetch(x)		__builtin_prefetch(x)
#define static_assert(condition) _Static_assert(condition, #condition)
#define BUILD_BUG_ON(condition)	_Static_assert(!(condition), #condition)
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
#define cond_resched()		((void)0)
#define READ_ONCE(x)		(x)

/* arithmetic */
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(high, low)	((~0ULL << (low)) & (~0ULL >> (63 - (high))))
#define lower_32_bits(n)	((u32)(n))
#define upper_32_bits(n)	((u32)((u64)(n) >> 32))
#define min(a, b)		({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b)		({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#define clamp(value, low, high)	min(max(value, low), high)
#define swap(a, b)		({ __typeof__(a) _swap = (a); (a) = (b); (b) = _swap; })
#define struct_size(pointer, member, n)	(sizeof(*(pointer)) + (n) * sizeof(*(pointer)->member))
#define hweight32(n)		((unsigned int)__builtin_popcount(n))
#define ilog2(n)		(31 - __builtin_clz(n))
#define roundup_pow_of_two(n)	((n) <= 1 ? 1U : 1U << (32 - __builtin_clz((n) - 1)))

static inline u32 hash_32(u32 value, unsigned int bits)
{
	return value * 0x61C88647u >> (32 - bits);
}

/* errors */
static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *pointer)
{
	return (long)pointer;
}

static inline bool IS_ERR(const void *pointer)
{
	return (unsigned long)pointer >= (unsigned long)-4095;
}

struct netlink_ext_ack {
	char text[120];
};

#define NL_SET_ERR_MSG_FMT(extack, ...) do {					\
	struct netlink_ext_ack *_extack = (extack);				\
										\
	if (_extack)								\
		snprintf(_extack->text, sizeof(_extack->text), __VA_ARGS__);	\
} while (0)
#define NL_SET_ERR_MSG(extack, message)	NL_SET_ERR_MSG_FMT(extack, "%s", message)

/* references */
typedef struct {
	int n;
} refcount_t;

static inline void refcount_set(refcount_t *refs, int n)
{
	refs->n = n;
}

static inline unsigned int refcount_read(const refcount_t *refs)
{
	return refs->n;
}

static inline void refcount_inc(refcount_t *refs)
{
	if (refs->n <= 0)
		abort();
	refs->n++;
}

static inline bool refcount_dec_and_test(refcount_t *refs)
{
	if (refs->n <= 0)
		abort();
	return !--refs->n;
}

/* atomic */
typedef struct {
	s64 n;
} atomic64_t;

static inline s64 atomic64_inc_return(atomic64_t *n)
{
	return ++n->n;
}

static inline s64 atomic64_read(const atomic64_t *n)
{
	return n->n;
}

#define cmpxchg(pointer, old, new)	({		\
	__typeof__(*(pointer)) _was = *(pointer);	\
							\
	if (_was == (old))				\
		*(pointer) = (new);			\
	_was;						\
})

/* memory; shim_fail_in makes the allocation fail that comes after so many */
#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define GFP_ATOMIC		0
#define __GFP_NOWARN		0
#define __GFP_ZERO		0
#define SLAB_ACCOUNT		0

extern long shim_fail_in;

void *shim_alloc(size_t n, size_t size);

#define kzalloc(size, gfp)		shim_alloc(1, size)
#define kcalloc(n, size, gfp)		shim_alloc(n, size)
#define kmalloc_array(n, size, gfp)	shim_alloc(n, size)
#define kvmalloc(size, gfp)		shim_alloc(1, size)
#define kvmalloc_array(n, size, gfp)	shim_alloc(n, size)
#define kvzalloc(size, gfp)		shim_alloc(1, size)
#define kvcalloc(n, size, gfp)		shim_alloc(n, size)
#define kvzalloc_node(size, gfp, node)	shim_alloc(1, size)
#define kfree(pointer)			free((void *)(pointer))
#define kvfree(pointer)			free((void *)(pointer))

struct kmem_cache {
	size_t size;
};

struct kmem_cache *shim_cache(size_t size);

#define kmem_cache_create(name, size, align, flags, constructor)	shim_cache(size)
#define kmem_cache_zalloc(cache, gfp)	shim_alloc(1, (cache)->size)
#define kmem_cache_free(cache, object)	free(object)
#define kmem_cache_destroy(cache)	free(cache)

/* one CPU */
#define __alloc_percpu_gfp(size, align, gfp)	shim_alloc(1, size)
#define alloc_percpu_gfp(type, gfp)		((type *)shim_alloc(1, sizeof(type)))
#define free_percpu(pointer)			free(pointer)
#define this_cpu_ptr(pointer)			(pointer)
#define this_cpu_inc(n)				((n)++)
#define per_cpu_ptr(pointer, cpu)		((void)(cpu), (pointer))
#define for_each_possible_cpu(cpu)		for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define cpu_to_node(cpu)			0

typedef struct {
	u64 n;
} u64_stats_t;

struct u64_stats_sync {
	char nothing;
};

#define u64_stats_init(sync)			((void)(sync))
#define u64_stats_update_begin(sync)		((void)(sync))
#define u64_stats_update_end(sync)		((void)(sync))
#define u64_stats_fetch_begin(sync)		((void)(sync), 0)
#define u64_stats_fetch_retry(sync, start)	((void)(start), false)
#define u64_stats_inc(stat)			((stat)->n++)
#define u64_stats_read(stat)			((stat)->n)

#define local_bh_disable()	((void)0)
#define local_bh_enable()	((void)0)

/* grace periods */
#define rcu_read_lock()		((void)0)
#define rcu_read_unlock()	((void)0)

struct rcu_head {
	struct rcu_head *next;
	void (*function)(struct rcu_head *head);
};

struct work_struct {
	void (*function)(struct work_struct *work);
};

struct rcu_work {
	struct work_struct work;
	struct rcu_head rcu;
};

struct workqueue_struct;

#define WQ_UNBOUND	0
#define alloc_workqueue(name, flags, active)	((struct workqueue_struct *)shim_alloc(1, 1))
#define flush_workqueue(queue)			((void)(queue))
#define destroy_workqueue(queue)		free(queue)
#define to_rcu_work(pointer)			container_of(pointer, struct rcu_work, work)
#define INIT_RCU_WORK(pointer, f)		((pointer)->work.function = (f))

void call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *head));
void queue_rcu_work(struct workqueue_struct *queue, struct rcu_work *work);
void rcu_barrier(void);

/* random numbers, the same in each run */
void get_random_bytes(void *buffer, size_t length);

#endif /* IPD_SHIM_H */
