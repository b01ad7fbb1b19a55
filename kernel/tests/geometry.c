// SPDX-License-Identifier: GPL-2.0-only
/* See geometry.h. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "geometry.h"
#include "sa_test.h"

#define PICK(array, index) ((array)[(index) % ARRAY_SIZE(array)])
#define NEXT(array, index) ((index) /= ARRAY_SIZE(array))

bool geometry_nth(unsigned int index, unsigned int least, struct geometry *geometry)
{
	static const unsigned int headrooms[] = { 0, 16, 192 }, tailrooms[] = { 0, 8, 256 };
	static const unsigned int linears[] = { 0, 40 }, frags[] = { 0, 1, 4 }, lists[] = { 0, 1, 3 };

	geometry->headroom = PICK(headrooms, index);
	NEXT(headrooms, index);
	geometry->tailroom = PICK(tailrooms, index);
	NEXT(tailrooms, index);
	geometry->linear = least + PICK(linears, index);
	NEXT(linears, index);
	geometry->frags = PICK(frags, index);
	NEXT(frags, index);
	geometry->list = PICK(lists, index);
	NEXT(lists, index);
	geometry->cloned = index & 1;
	geometry->shared_frag = index & 2;
	geometry->shared = index & 4;
	return index < 8;
}

/* a page with @len bytes of the packet somewhere inside */
static void add_frag(struct sa_test *t, struct shape *shape, const u8 *data, unsigned int len)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int offset = 100 + 3 * shape->n_pages;
	u8 *before = kmalloc(PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, page);
	KUNIT_ASSERT_NOT_NULL(t->test, before);
	KUNIT_ASSERT_LE(t->test, offset + len, (unsigned int)PAGE_SIZE);
	memset(page_address(page), 0xee, PAGE_SIZE);
	memcpy(page_address(page) + offset, data, len);
	memcpy(before, page_address(page), PAGE_SIZE);
	shape->pages[shape->n_pages] = page;
	shape->before[shape->n_pages++] = before;
	get_page(page);		/* the skb's */
	skb_add_rx_frag(shape->skb, skb_shinfo(shape->skb)->nr_frags, page, offset, len, PAGE_SIZE);
}

static void add_to_list(struct sa_test *t, struct sk_buff *skb, const u8 *data, unsigned int len)
{
	struct sk_buff *one = alloc_skb(len + 16, GFP_KERNEL), **tail = &skb_shinfo(skb)->frag_list;

	KUNIT_ASSERT_NOT_NULL(t->test, one);
	skb_reserve(one, 16);
	skb_put_data(one, data, len);
	while (*tail)
		tail = &(*tail)->next;
	*tail = one;
	skb->len += len;
	skb->data_len += len;
	skb->truesize += one->truesize;
}

void shape_begin(struct sa_test *t, struct shape *shape, const struct geometry *geometry,
		 const u8 *data, unsigned int len)
{
	unsigned int pieces = geometry->frags + geometry->list, i;
	unsigned int linear = pieces ? min(geometry->linear, len - pieces) : len;
	unsigned int at = linear, piece = pieces ? (len - linear) / pieces : 0;

	memset(shape, 0, sizeof(*shape));
	shape->data = data;
	shape->len = len;
	shape->skb = sa_test_skb(t, data, linear, geometry->headroom, geometry->tailroom);
	for (i = 0; i < pieces; i++, at += piece) {
		if (i == pieces - 1)
			piece = len - at;
		if (i < geometry->frags)
			add_frag(t, shape, data + at, piece);
		else
			add_to_list(t, shape->skb, data + at, piece);
	}
	if (geometry->shared_frag)
		skb_shinfo(shape->skb)->flags |= SKBFL_SHARED_FRAG;
	if (geometry->cloned) {
		shape->sibling = shape->skb;
		shape->skb = skb_clone(shape->sibling, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(t->test, shape->skb);
	}
	if (geometry->shared) {
		KUNIT_ASSERT_FALSE(t->test, geometry->cloned);
		shape->sibling = skb_get(shape->skb);
	}
}

bool shape_end(struct sa_test *t, struct shape *shape)
{
	bool intact = true;
	unsigned int i;

	if (shape->sibling) {
		intact = sa_test_is_packet(shape->sibling, shape->data, shape->len);
		consume_skb(shape->sibling);
	}
	for (i = 0; i < shape->n_pages; i++) {
		if (memcmp(page_address(shape->pages[i]), shape->before[i], PAGE_SIZE))
			intact = false;
		kfree(shape->before[i]);
		put_page(shape->pages[i]);
	}
	return intact;
}
