"""Prints each change of a violation once: consumer.py BROKERS TOPIC GROUP [IDLE_SECONDS]

With IDLE_SECONDS it ends when nothing has come for so long.
"""

import json
import sys

from kafka import KafkaConsumer


def main(brokers, topic, group, idle=None):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=brokers.split(","),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=int(float(idle) * 1000) if idle else float("inf"),
    )
    # The highest revision of each item. Keep it with what you do about violations,
    # in your database: then a restart doesn't forget it.
    seen = {}
    for message in consumer:
        violation = json.loads(message.value)
        if violation["schema"] != "violation/v1":
            sys.exit(f"{violation['schema']} is a schema that this program doesn't know")
        key = message.key.decode()
        revision = violation["verdict"]["revision"]
        if revision > seen.get(key, 0):
            seen[key] = revision
            print(violation["change"], violation["id"], flush=True)
        consumer.commit()
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
