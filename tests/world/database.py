"""The database of a state folder, read while the daemon may write it."""
import sqlite3


def ask(state, sql, *args):
    db = sqlite3.connect("file:%s/kpwatch.sqlite?mode=ro" % state, uri=True,
                         timeout=10)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()


def ask_soon(state, sql, *args):
    """Nothing as long as the tables are not there."""
    try:
        return ask(state, sql, *args)
    except sqlite3.OperationalError:
        return []
