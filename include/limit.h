/*
 * Every maximum of the program, one line each with its reason.
 *
 * A growable thing is made with one of these; nothing that outside bytes can
 * size grows past its line here.  Sizes are in bytes unless the name says
 * otherwise.  (Not limits.h: that name is the C library's.)
 */
#ifndef KPWATCH_LIMIT_H
#define KPWATCH_LIMIT_H

#define KIB (1024u)
#define MIB (1024u * 1024u)

/* Messages between our processes (message.h). */
#define FRAME_MAX	  (64 * KIB)  /* a frame; larger is chunked */
#define FRAME_QUEUE_MAX	  (96 * MIB)  /* peer that reads nothing is stuck */
#define FRAME_QUEUE_HIGH  (1 * MIB)   /* start no more work that feeds it */
#define JOB_BYTES_MAX	  (64 * MIB)  /* one job's observation with bodies */
#define FINDING_BYTES_MAX (24 * MIB)  /* one encoded finding */
#define CONFIG_BYTES_MAX  (64 * MIB)  /* encoded configuration and rules */
#define HEAP_PIECE_MAX	  (512 * KIB) /* larger ones are mapped alone */

/* Fetching. */
#define URL_MAX_LEN	 (8 * KIB)   /* browsers and servers stop near here */
#define HOST_MAX_LEN	 255	     /* RFC 1035 section 2.3.4 */
#define BODIES_HELD_MAX	 (16 * MIB)  /* all together, beyond BODY_FREE each */
#define BODY_FREE	 (128 * KIB) /* a usual page never waits */
#define BODY_STEP	 (256 * KIB) /* asked for at a time beyond that */
#define HOP_BODY_MIN	 (64 * KIB)  /* of each hop, whatever came before it */
#define HEADER_BYTES_MAX (64 * KIB)  /* all response header lines of one hop */
#define HEADER_LINES_MAX 512	     /* header lines kept of one message */
#define HOPS_MAX	 11	     /* first request and ten redirects */
#define CERT_CHAIN_MAX	 10	     /* certificates kept of one chain */
#define CERT_TEXT_MAX	 (4 * KIB)   /* subject, issuer or SAN list kept */
#define DNS_ANSWERS_MAX	 64	     /* records kept of one DNS answer */
#define DNS_IN_FLIGHT	 32 /* more than this loses answers in bursts */
#define TLS_MESSAGES_MAX                                                       \
	1000 /* of one connection, beside its data; a handshake has 30 */

/* Analysis. */
#define DECODED_BODY_MAX (16 * MIB) /* body after content decoding */
#define DECODE_RATIO_MAX 200	    /* decoded : encoded, after 64 KiB */
#define CODINGS_MAX	 4	    /* content codings undone on one body */
#define TITLE_MAX	 (1 * KIB)
#define TOKEN_KEEP_MAX	 (256 * KIB) /* longest attribute or text kept */
#define ATTRS_MAX	 256	     /* attributes kept of one start tag */
#define LINK_TEXT_MAX	 256	     /* visible text kept with one link */
#define ELEMENT_TEXT_MAX 160	     /* how an element is described */
#define LINKS_MAX	 100000	     /* links looked at on one page */
#define SIGHTINGS_MAX	 4096	     /* sightings kept of one page */
#define BLOCKS_MAX	 20000	     /* text blocks kept of one page */
#define BLOCK_TEXT_MAX	 (8 * KIB)   /* text kept of one block */
#define BLOCKS_BYTES_MAX (4 * MIB)   /* text kept of one page */
#define SAMPLES_MAX	 256	     /* links kept that a sampled slot wants */
#define NAME_MAX_LEN	 512	     /* account or content name */
#define NOTES_MAX	 16	     /* notes on one finding */

/* Captures. */
#define CAPTURE_WINDOW	       (1 * MIB)   /* of a capture file held at once */
#define CAPTURE_WINDOW_MANY    (16 * KIB)  /* at first, of one of many */
#define CAPTURE_FEW	       32	   /* files read at once with more */
#define CAPTURE_PACKET_MAX     (256 * KIB) /* libpcap's own snapshot maximum */
#define CAPTURE_INTERFACES_MAX 65536	   /* of one pcapng section */
#define PACKET_LAYERS_MAX      32  /* headers followed inside one packet */
#define FRAGMENT_DATAGRAMS_MAX 512 /* datagrams under reassembly */
#define FRAGMENT_BYTES_MAX     (8 * MIB)   /* their bytes */
#define FRAGMENT_AGE_NS	       30000000000 /* RFC 8200 allows 60 s */
#define STREAMS_MAX	       65536	 /* TCP connections followed at once */
#define STREAM_HELD_MAX	       (1 * MIB) /* of one direction, behind a hole */
#define STREAM_SEGMENTS_MAX    4096 /* pieces of it: insertion stays cheap */
#define STREAMS_HELD_MAX       (32 * MIB) /* of all connections together */
#define EXCHANGES_OPEN_MAX     256 /* requests of one connection unanswered */
#define INSPECT_GATHER_MAX                                                     \
	(48 * MIB)		    /* coded bodies under way, all together    \
				     */
#define DNS_NAME_MAX	 1024	    /* escaped text of a name of 255 bytes */
#define DNS_JUMPS_MAX	 64	    /* compression pointers in one name */
#define DNS_PENDING_MAX	 4096	    /* questions waiting for their answers */
#define TLS_HELLO_MAX	 (64 * KIB) /* one ClientHello */
#define TLS_SECRETS_MAX	 131072 /* 13 MiB of them: a busy month of a browser */
#define TLS_KEY_LINE_MAX 512	/* of a key log; the longest is 230 */
#define TLS_STREAMS_MAX	 16384	/* TLS connections decrypted at once */
#define TLS_HELD_MAX	 (16 * MIB) /* of their records under way, all together */
#define TLS_WAITING_MAX	 (64 * KIB) /* of one before the other side's hello */
#define TLS_SKIPPED_MAX	 64 /* records under a key before the one we have */

/* Work spread over threads. */
#define CREW_MAX	 3  /* beside the reading thread: it feeds no more */
#define INSPECT_ROWS_MAX 16 /* lines that wait for their hash */
#define INSPECT_INLINE_MIN                                                     \
	(1 * MIB)	    /* longer plain bodies are hashed at once */
#define AHEAD_FILES	 4  /* archives read at once for which it is done */
#define AHEAD_MEMBERS	 12 /* gzip members inflated ahead of the reader */
#define AHEAD_MEMBER_MAX (2 * MIB) /* what one gives; longer ones in pieces */
#define AHEAD_INPUT	 (2 * MIB) /* stored bytes looked through for them */
#define AHEAD_WASTE_MAX                                                        \
	(16 * MIB) /* inflated in vain before it is given up                   \
		    */

/* The probe's own packets. */
#define PACKETS_HELD_MAX (64 * MIB) /* until the looks they belong to end */
#define PACKETS_KEEP_MAX (16 * MIB) /* of one look: a body and its overhead */
#define PACKETS_AGE_S	 300	    /* older ones belong to no look of ours */
#define CLAIMS_MAX	 256	    /* looks that wait for their packets */
#define CLAIM_FLOWS_MAX	 33	    /* hops times addresses tried */

/* Configuration: an operator's files, yet a slip must not eat the machine. */
#define TARGETS_MAX	  100000
#define PAGES_MAX	  64	     /* page slots of one target */
#define CONFIG_FILE_MAX	  (64 * MIB) /* one configuration file */
#define CONFIG_TEXT_MAX	  (8 * KIB)  /* one text in it: the longest is a URL */
#define CONFIG_LIST_MAX	  256	     /* texts in one list of it */
#define CONFIG_ERRORS_MAX 2000	     /* nobody reads more at a time */
#define HOOKS_MAX	  64	     /* hooks of one configuration */
#define DOC_DEPTH_MAX	  16	     /* maps and lists inside each other */
#define DOC_KEYS_MAX	  256	     /* keys of one map: found by walking */
#define DOC_NODES_MAX	  8000000    /* values of one file */
#define RULE_PATTERNS_MAX 65536
#define VERDICT_RULES_MAX 1024	      /* rules for page classes */
#define VERDICT_TEXT_MAX  (16 * KIB)  /* visible text that a rule may look at */
#define VERDICT_BODY_MAX  (512 * KIB) /* body that a rule may look at */

/* Differencing. */
#define KNOWN_MAX      16384	 /* elements remembered of one target */
#define KEPT_BYTES_MAX (6 * MIB) /* rows in memory; 1 KiB a target, texts */
#define KEPT_PAGES_MAX 64	 /* of one target: those watched, or most */
#define KEPT_HOSTS_MAX 16	 /* of one target */

/* Replay. */
#define REPLAY_AWAKE_MAX   32	      /* archives read at once: 0.9 MiB each */
#define REPLAY_HEADS_MAX   (32 * MIB) /* their next bodies */
#define REPLAY_ORDER_MAX   4096	      /* observations sorted by their ends */
#define REPLAY_ORDER_BYTES (16 * MIB) /* and their bodies */
#define REPLAY_GATHER_MAX  (64 * MIB) /* bodies of exchanges under way */

/* At the end of a file, without a digest: read for one at the start.  A crash
 * leaves what one commit or one batch holds. */
#define SEAL_FOUND_MAX (16 * MIB)

/* Change log. */
#define EVENT_LINE_MAX	  (256 * KIB) /* one event as JSON */
#define MEMBER_BYTES_MAX  (64 * KIB)  /* lines gathered into one gzip member */
#define MEMBER_AGE_MS	  60000	      /* or this long, whichever is first */
#define CHANGE_BLOCKS_MAX 50	      /* blocks quoted in content.changed */
#define CHANGES_MAX	  10	      /* of them shown word by word */
#define CHANGE_WORDS_MAX  320	      /* of such a block; compared in squares */
#define VOLATILE_MAX	  128	      /* changing places remembered of a page */
#define STRAYS_MAX	  32  /* blocks of a page that are not as told last */
#define BLOCK_RUNS_MAX	  512 /* of a page compared with such places */

/* Web archives. */
#define ARCHIVE_PEEK_MAX   (256 * KIB) /* longest record header understood */
#define ARCHIVE_BACK_MAX   (64 * KIB)  /* stored bytes kept for a second look */
#define ARCHIVE_NOTES_MAX  100 /* notes said of one file; rest counted */
#define WARC_HTTP_HEAD_MAX (256 * KIB) /* HTTP header of a foreign record */
#define WARC_CODED_MAX	   (16 * MIB)  /* body with a coding, undone whole */
#define WARC_INDEX_MAX	   1000000     /* originals known in one replay */
#define WARC_DIGESTS_MAX   16384       /* payloads that a writer may refer to */
#define WARC_URI_KEEP_MAX  1024	       /* longer ones are never referred to */
#define WARC_REFER_MS	   (INT64_C(30) * 86400 * 1000) /* how far back */
#define WARC_VISIT_MAX	   (96 * MIB) /* all records of one observation */
#define WARC_FIELDS_MAX	   (1 * MIB)  /* one metadata record of ours */
#define CDXJ_BYTES_MAX	   (32 * MIB) /* one index; an archive is cut before */

/* Hooks. */
#define HOOK_LINES_MAX	10000	  /* events of one call */
#define HOOK_BYTES_MAX	(8 * MIB) /* of one call; half a MSG_DELIVER */
#define HOOK_OUTPUT_MAX (8 * KIB) /* kept of what one call prints */
#define HOOK_REASON_MAX 256	  /* why a call failed */
#define HOOK_FACT_MAX	(8 * KIB) /* one variable of its environment */

/* Metrics. */
#define METRICS_BYTES_MAX (64 * MIB) /* one answer: 100,000 targets */
#define JOURNAL_BYTES_MAX (64 * KIB) /* one journal entry */

#endif
