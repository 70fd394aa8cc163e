"""Consuming by FastStream on aiokafka: for what waits on others rather than on the processor.

    broker ─▶ FastStream batch subscriber ─▶ LawMiddleware ─▶ Pipeline ─▶ handler
                   ▲ commits                    (the laws, the same as of coop_runtime.kafka)
                   └──── OffsetKeeper ◀── HeldPartitions ◀─┘

`subscriber.StreamConsumer` is the door. It takes what `kafka.consumer.Consumer` takes.
"""
