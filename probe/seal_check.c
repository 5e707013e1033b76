#include "seal_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "instant.h"
#include "log.h"
#include "store.h"

#define PUT_BACK "put back a copy of the file"

/* The seals of one file, and whom to tell. */
struct sealed {
	const struct seal *seals;
	size_t n;
	const struct seal_check *check;
	const char *file;
	int fd;
	uint64_t size;
	struct fault_sink faults;
};

/* The first seal that is not of a file before that one. */
static size_t
find(const struct seal_check *c, const char *file)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(c->list[middle].file, file) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
seal_check_init(struct seal_check *c, const char *state_dir)
{
	memset(c, 0, sizeof *c);
	c->n = store_seals(state_dir, &c->list);
	c->met = xcalloc(c->n + 1, sizeof *c->met);
	c->lost = find(c, SEAL_LOST);
	while (c->lost + c->nlost < c->n &&
	    span_starts(span_of(c->list[c->lost + c->nlost].file), SEAL_LOST))
		c->met[c->lost + c->nlost++] = true;
}

const struct seal *
seal_check_lost(const struct seal_check *c, size_t n, const char **file)
{
	const struct seal *s = &c->list[c->lost + n];
	const char *slash = strchr(s->file + strlen(SEAL_LOST), '/');

	*file = slash == NULL ? "" : slash + 1;
	return s;
}

void
seal_check_release(struct seal_check *c)
{
	for (size_t i = 0; i < c->n; i++)
		seal_release(&c->list[i]);
	free(c->list);
	free(c->met);
	memset(c, 0, sizeof *c);
}

/* Seals from i on that belong to the same file; marks them. */
static size_t
meet(struct seal_check *c, size_t i)
{
	size_t n = i;

	while (n < c->n && strcmp(c->list[n].file, c->list[i].file) == 0)
		c->met[n++] = true;
	return n - i;
}

/* Is every stretch that is there as it was? */
static bool
stretches_agree(const struct sealed *s)
{
	char sha256[65], when[INSTANT_TEXT_MAX];
	bool ok = true;

	for (size_t i = 0; i < s->n; i++) {
		const struct seal *x = &s->seals[i];

		if (x->bytes > s->size || x->at > s->size - x->bytes)
			continue;
		if (!seal_read(s->fd, x->at, x->bytes, sha256)) {
			fault_say(&s->faults, x->at, "%s", strerror(errno));
			return false;
		}
		if (strcmp(sha256, x->sha256) == 0)
			continue;
		ok = false;
		fault_say(&s->faults, x->at,
		    "the %llu bytes from here on are not those that were "
		    "written until %s, whatever the records in them say "
		    "(their SHA-256 is %s, and was %s); " PUT_BACK,
		    (unsigned long long)x->bytes, instant_text(x->time, when),
		    sha256, x->sha256);
	}
	return ok;
}

/* The start that first saw that the file is too short; or NULL. */
static const struct seal *
first_seen(const struct sealed *s)
{
	const struct seal *lost;
	const char *file;

	for (size_t i = 0; i < s->check->nlost; i++) {
		lost = seal_check_lost(s->check, i, &file);
		if (!lost->closed && strcmp(file, s->file) == 0 &&
		    lost->at >= s->size)
			return lost;
	}
	return NULL;
}

/* Says that the file ends before `end`. */
static void
say_short(const struct sealed *s, uint64_t end, const char *when, bool whole)
{
	const struct seal *seen = first_seen(s);
	char start[INSTANT_TEXT_MAX];

	fault_say(&s->faults, s->size,
	    "the file is too short: %llu bytes at its end are missing that "
	    "were there at %s%s%s%s; " PUT_BACK " made since then",
	    (unsigned long long)(end - s->size), when,
	    whole ? " (an older copy, or cut off between two records)" : "",
	    seen == NULL ? "" : ", and gone at the start of ",
	    seen == NULL ? "" : instant_text(seen->time, start));
}

/* Does the file end where it ended? */
static bool
length_agrees(const struct sealed *s, bool whole)
{
	const struct seal *last = &s->seals[s->n - 1];
	uint64_t end = last->at + last->bytes;
	char when[INSTANT_TEXT_MAX];

	instant_text(last->time, when);
	if (s->size < end)
		say_short(s, end, when, whole);
	else if (s->size > end && last->closed)
		fault_say(&s->faults, end,
		    "the file is too long: %llu bytes were added after it was "
		    "closed at %s; cut it to %llu bytes, or " PUT_BACK
		    " (or the database is an older copy: then the next start "
		    "takes them in)",
		    (unsigned long long)(s->size - end), when,
		    (unsigned long long)end);
	return s->size == end || (s->size > end && !last->closed);
}

static enum seal_state
count(struct seal_check *c, const struct sealed *s)
{
	uint64_t covered = 0, found = 0;

	for (size_t i = 0; i < s->n; i++) {
		covered += s->seals[i].bytes;
		if (s->seals[i].found)
			found += s->seals[i].bytes;
	}
	c->found_bytes += found;
	if (covered < s->size) {
		c->without++;
		c->without_bytes += s->size - covered;
	} else {
		c->agree++;
	}
	return covered < s->size || found > 0 ? SEAL_LACKING : SEAL_AGREES;
}

enum seal_state
seal_check_file(struct seal_check *c, const char *file, int fd, bool whole,
    fault_fn *fault, void *arg)
{
	struct sealed s = {.check = c,
	    .file = file,
	    .fd = fd,
	    .faults = {fault, arg}};
	struct stat sb;
	size_t first = find(c, file);
	bool agree = true;

	if (first < c->n && strcmp(c->list[first].file, file) == 0) {
		s.seals = &c->list[first];
		s.n = meet(c, first);
	}
	if (fstat(fd, &sb) != 0) {
		fault_say(&s.faults, 0, "%s", strerror(errno));
		return SEAL_BROKEN;
	}
	s.size = (uint64_t)sb.st_size;
	if (s.n > 0) {
		agree = stretches_agree(&s);
		agree = length_agrees(&s, whole) && agree;
	}
	return agree ? count(c, &s) : SEAL_BROKEN;
}

bool
seal_check_open(const struct seal_check *c, const char *file)
{
	size_t i = find(c, file);

	while (i + 1 < c->n && strcmp(c->list[i + 1].file, file) == 0)
		i++;
	return i < c->n && strcmp(c->list[i].file, file) == 0 &&
	    !c->list[i].closed;
}

const struct seal *
seal_check_rest(struct seal_check *c)
{
	while (c->next < c->n && c->met[c->next])
		c->next++;
	return c->next == c->n ? NULL
			       : &c->list[c->next + meet(c, c->next) - 1];
}
