#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_write.h"
#include "digest.h"
#include "log.h"
#include "seal.h"
#include "warc.h"

#define WARC_FOLDER "warc"

void
recorder_init(struct recorder *r, struct store *store, const char *state_dir)
{
	*r = (struct recorder){.store = store,
	    .state_dir = state_dir,
	    .warc_dir = -1,
	    .packet_dir = -1};
}

/* ---- the archive ---- */

static bool
settle(struct recorder *r)
{
	r->settled = r->settled ||
	    store_seal_resume(r->store, SEAL_WARC, r->warc_dir,
		warc_writer_file(r->warc), warc_writer_sealing(r->warc));
	return r->settled;
}

bool
recorder_archive(struct recorder *r, struct observation *o)
{
	if (r->warc == NULL)
		return true;
	if (!settle(r))
		return false;
	if (!warc_writer_add(r->warc, o)) {
		log_error("cannot write to the WARC file: %s", strerror(errno));
		return false;
	}
	store_seal(r->store, SEAL_WARC, warc_writer_file(r->warc),
	    warc_writer_sealing(r->warc), o->time);
	return true;
}

static uint64_t
archive_written(const char *name, void *arg)
{
	struct recorder *r = arg;

	return store_sealed(r->store, SEAL_WARC, name);
}

void
recorder_open_archive(struct recorder *r, uint64_t rotate_bytes)
{
	struct warc_writer_options options = {
	    .rotate_bytes = rotate_bytes,
	    .deduplicate = true,
	    .written = archive_written,
	    .arg = r,
	};
	char *path, *why = NULL;
	uint64_t torn = 0;

	if (r->state_dir == NULL)
		return;
	path = xasprintf("%s/%s", r->state_dir, WARC_FOLDER);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		fatal("cannot make %s: %s", path, strerror(errno));
	r->warc_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->warc_dir < 0)
		fatal("cannot open %s: %s", path, strerror(errno));
	r->warc = warc_writer_open(r->warc_dir, &options, &torn, &why);
	if (r->warc == NULL)
		fatal("cannot record: %s", why);
	if (torn > 0)
		log_warn("%s: %llu bytes of a record cut off by a crash were "
			 "removed",
		    path, (unsigned long long)torn);
	settle(r); /* or before the first record */
	free(path);
}

bool
recorder_sync(struct recorder *r)
{
	return r->warc == NULL || warc_writer_sync(r->warc);
}

/* ---- packets ---- */

void
recorder_name_packets(struct recorder *r, struct observation *o)
{
	if (r->packet_dir < 0 || o->packets.len == 0 || o->pcap != NULL)
		return;
	o->pcap = capture_name(o->time, o->id);
	sha256_hex(buf_span(&o->packets), o->pcap_sha256);
}

static void
seal_packets(struct recorder *r, const struct observation *o)
{
	char *file = xasprintf(CAPTURE_FOLDER "/%s", o->pcap);

	store_seal_whole(r->store, file, o->packets.len, o->pcap_sha256,
	    o->time);
	free(file);
}

bool
recorder_keep_packets(struct recorder *r, const struct observation *o)
{
	if (!capture_write(r->packet_dir, o->pcap, buf_span(&o->packets))) {
		log_error("cannot write %s/%s: %s", CAPTURE_FOLDER, o->pcap,
		    strerror(errno));
		return false;
	}
	seal_packets(r, o);
	r->kept++;
	return true;
}

void
recorder_open_packets(struct recorder *r)
{
	char *path;

	if (r->packet_dir >= 0 || r->state_dir == NULL)
		return;
	path = xasprintf("%s/%s", r->state_dir, CAPTURE_FOLDER);
	if (mkdir(path, 0750) == 0 || errno == EEXIST)
		r->packet_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->packet_dir < 0)
		log_error("cannot open %s: %s", path, strerror(errno));
	free(path);
}

void
recorder_close(struct recorder *r)
{
	warc_writer_close(r->warc);
	if (r->warc_dir >= 0)
		close(r->warc_dir);
	if (r->packet_dir >= 0)
		close(r->packet_dir);
}
