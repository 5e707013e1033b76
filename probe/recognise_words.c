/* Words of paths, classes and icons that name a platform, a player or a
 * feed. */

#include "bytes16.h"
#include "limit.h"
#include "recognise_state.h"

#define WORD_MAX 40

/* "youkuplayer", "playyouku"; of platforms that are not for video only with
 * "player" itself, the first of the words. */
static uint32_t
joined_player(const struct rules *r, struct span w)
{
	if (!r->player_head[letter_pair(w.p)] &&
	    !r->player_tail[letter_pair(w.p + w.n - 2)])
		return RULE_NONE;
	for (size_t i = 0; i < r->nplayer_words; i++) {
		struct span p = rules_span(r, r->player_words[i]);
		uint32_t at = RULE_NONE;

		if (w.n <= p.n + 1)
			continue;
		if (span_eq_i(span_slice(w, w.n - p.n, p.n), p))
			at = rules_word(r, span_slice(w, 0, w.n - p.n));
		else if (span_eq_i(span_slice(w, 0, p.n), p))
			at = rules_word(r, span_slice(w, p.n, w.n));
		if (at != RULE_NONE &&
		    (i == 0 || (r->platforms[at].flags & PLATFORM_PLAYER) != 0))
			return at;
	}
	return RULE_NONE;
}

/* Two letters mean too much to name a platform, unless they are its id. */
static bool
long_enough(const struct rules *r, uint32_t platform, struct span w)
{
	return w.n > 2 ||
	    span_is_i(w, rules_text(r, r->platforms[platform].id));
}

static void
take_word(struct words *k, struct span w)
{
	uint32_t at;

	if ((w.p[0] | 0x20) == 'r' || (w.p[0] | 0x20) == 'a')
		k->feed |= span_is_i(w, "rss") || span_is_i(w, "rss2") ||
		    span_is_i(w, "atom");
	at = rules_word(k->rules, w);
	if (at != RULE_NONE && k->platform == RULE_NONE &&
	    (k->rules->platforms[at].flags & PLATFORM_PLAYER) != 0 &&
	    long_enough(k->rules, at, w))
		k->platform = at;
	if (at == RULE_NONE && w.n > 5) {
		at = joined_player(k->rules, w);
		if (at != RULE_NONE)
			k->player = at;
	}
	if ((k->rules->list_lengths[ascii_lower(w.p[0]) & 127] >> (w.n % 32) &
		1) == 0 ||
	    !k->rules->list_head[letter_pair(w.p)])
		return;
	/* Next to a platform's name only "player" and "play" make a player:
	 * "/tv/kick-off" is none. */
	if (rules_listed(k->rules, k->rules->player_words,
		k->rules->nplayer_words < 2 ? k->rules->nplayer_words : 2, w))
		k->player_word = true;
	else if (rules_listed(k->rules, k->rules->player_not,
		     k->rules->nplayer_not, w))
		k->forbidden = true;
}

/* Most words begin or end as none of those that are known. */
static bool
may_be_known(const struct rules *r, struct span w)
{
	if (w.n < 2 || w.n > WORD_MAX)
		return false;
	if ((r->pair_lengths[letter_pair(w.p)] >> (w.n % 32) & 1) != 0)
		return true;
	return w.n > 5 &&
	    (r->player_head[letter_pair(w.p)] ||
		r->player_tail[letter_pair(w.p + w.n - 2)]);
}

static void
look_word(void *arg, struct span w)
{
	struct words *k = arg;

	if (may_be_known(k->rules, w))
		take_word(k, w);
}

void
words_look(struct words *k, struct span s)
{
	words_each(s, look_word, k);
}
