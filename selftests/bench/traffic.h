/* SPDX-License-Identifier: MIT */
/*
 * Traffic that is measured. Each kind warms up, then runs for a while and says what came of it:
 *
 *	count=PACKETS-OR-BYTES ns=ELAPSED idle=NANOSECONDS
 *
 * In a guest that counts instructions a nanosecond is an instruction, of sender, receiver and
 * everything between them. What lasts while the CPU is idle is a wait and no work; so idle has to
 * be next to nothing, or the figure is one of latency.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	uint64_t count;
	uint64_t start, end;	/* ns */
	uint64_t idle;		/* ns */
};

/* for all that must not fail: says why and ends the program */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

unsigned long number(const char *text);
/* the number at *@at, which moves behind it; and the text behind @n of them */
uint64_t number_at(const char **at);
const char *skip_numbers(const char *at, int n);
uint64_t seconds(const char *text);	/* "0.25", as nanoseconds */
uint64_t now(void);
void enter(const char *netns);		/* a name of "ip netns" */

void window_open(struct window *window, uint64_t duration);
bool window_is_open(const struct window *window);
/* what was counted is @count; prints */
void window_close(struct window *window, uint64_t count);

/* the kinds, by their words; see usage_text */
void run_tcp(char **words);
void run_udp(char **words);
void run_out(char **words);
void run_frames(char **words);

#endif /* TRAFFIC_H */
