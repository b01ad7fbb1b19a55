// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bugs on purpose, one per load (bug=NAME): the checking kernel has to report each.  A sanitizer
 * that is silent because it is broken looks just like one that has nothing to say.
 *
 * Values that the compiler could reason about are hidden from it, or it would warn or optimise the
 * bug away.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define LEAKED_OBJECTS 64

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "which bug to show");

struct object {
	struct list_head list;
	struct timer_list timer;
	char bytes[100];
};

static DEFINE_SPINLOCK(first_lock);
static DEFINE_SPINLOCK(second_lock);
static struct object __rcu *published;
static char global_bytes[13];

static size_t hidden(size_t n)
{
	OPTIMIZER_HIDE_VAR(n);
	return n;
}

static void bug_oob(void)
{
	char *p = kmalloc(hidden(13), GFP_KERNEL);

	if (p)
		p[hidden(13)] = 1;
	kfree(p);
}

static void bug_oob_global(void)
{
	WRITE_ONCE(global_bytes[hidden(sizeof(global_bytes))], 1);
}

static void bug_uaf(void)
{
	char *p = kmalloc(hidden(100), GFP_KERNEL);

	kfree(p);
	if (p)
		WRITE_ONCE(p[hidden(50)], 1);
}

static void bug_double_free(void)
{
	char *p = kmalloc(hidden(100), GFP_KERNEL);
	char *q = p;

	OPTIMIZER_HIDE_VAR(q);
	kfree(p);
	kfree(q);
}

static void bug_sleep(void)
{
	spin_lock(&first_lock);
	msleep(20);
	spin_unlock(&first_lock);
}

static void bug_lock_order(void)
{
	spin_lock(&first_lock);
	spin_lock(&second_lock);
	spin_unlock(&second_lock);
	spin_unlock(&first_lock);

	spin_lock(&second_lock);
	spin_lock(&first_lock);
	spin_unlock(&first_lock);
	spin_unlock(&second_lock);
}

static void bug_rcu(void)
{
	if (rcu_dereference(published))
		pr_info("control: unexpected object\n");
}

static void bug_shift(void)
{
	pr_info("control: %d\n", 1 << hidden(40));
}

static void bug_index(void)
{
	static const int table[4] = { 1, 2, 3, 4 };

	pr_info("control: %d\n", table[hidden(5)]);
}

static void bug_refcount(void)
{
	refcount_t refs = REFCOUNT_INIT(1);

	refcount_dec(&refs);
	refcount_inc(&refs);
}

static void bug_list(void)
{
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL);
	LIST_HEAD(head);

	if (!object)
		return;
	list_add(&object->list, &head);
	list_del(&object->list);
	list_del(&object->list);
	kfree(object);
}

static void timer_never(struct timer_list *timer)
{
}

static void bug_active_timer(void)
{
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL);

	if (!object)
		return;
	timer_setup(&object->timer, timer_never, 0);
	mod_timer(&object->timer, jiffies + HZ * 3600);
	kfree(object);
}

static noinline void bug_leak(void)
{
	size_t n;

	for (n = 0; n < LEAKED_OBJECTS; n++) {
		void *p = kmalloc(hidden(300), GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
	}
}

static void bug_slab(void)
{
	struct kmem_cache *cache = kmem_cache_create("ipsecdrv_control", 200, 0, SLAB_POISON, NULL);

	if (!cache)
		return;
	if (!kmem_cache_alloc(cache, GFP_KERNEL))
		pr_info("control: no object\n");
	kmem_cache_destroy(cache);
}

static void bug_panic(void)
{
	panic("control: on purpose");
}

static void bug_hang(void)
{
	for (;;)
		cpu_relax();
}

static const struct {
	const char *name;
	void (*show)(void);
} bugs[] = {
	{ "oob", bug_oob },
	{ "oob-global", bug_oob_global },
	{ "uaf", bug_uaf },
	{ "double-free", bug_double_free },
	{ "sleep", bug_sleep },
	{ "lock-order", bug_lock_order },
	{ "rcu", bug_rcu },
	{ "shift", bug_shift },
	{ "index", bug_index },
	{ "refcount", bug_refcount },
	{ "list", bug_list },
	{ "active-timer", bug_active_timer },
	{ "leak", bug_leak },
	{ "slab", bug_slab },
	{ "panic", bug_panic },
	{ "hang", bug_hang },
};

static int __init control_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (strcmp(bugs[i].name, bug))
			continue;
		bugs[i].show();
		return 0;
	}
	return -EINVAL;
}

static void __exit control_exit(void)
{
}

module_init(control_init);
module_exit(control_exit);
MODULE_DESCRIPTION("Planted bugs that a checking kernel has to report");
MODULE_LICENSE("GPL");
