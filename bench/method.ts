/** How it was measured, for the reader of the report. */
export const METHOD = `## Method

- Every measurement starts its processes afresh and ends them; each is warmed up with the measured work first, in two rounds, and the number of messages follows from the second one's rate, so that a measurement takes about as long for every system.
- Runs are interleaved: each run does all works, in each work every system once, and each run begins with another system.
- Every message has a sequence number that the receiver ticks off. A run in which one was lost, came twice or was never sent does not count and is a failed run; a target with a failed run of agentrt's is not reached.
- Payloads are raw bytes on both sides: \`defineBytes\` in agentrt, where the payload is decoded and counted in an agent's handler, and NATS's own, counted in the subscription's callback. After the sequence number they look random, so that compression gains nothing. Every message is a new array in both. Python workers send JSON.
- One way: from before the first publish to the last arrival. agentrt's publisher is written in two ways. Each awaited: \`for (...) await runtime.publishMessage(...)\`, nothing else. In bursts: 256 published without waiting, then one await for all of them and one turn of the event loop, which is NATS's loop: its publish has nothing to await, so its loop gives the event loop a turn after 256 messages as well (it would keep everything in memory otherwise), and a flush at the end. Fan-out and 8 to 8 use bursts on both sides.
- Fan-out: four processes with one connection and 25 subscribers each: 25 agent types in agentrt, 25 subscriptions in NATS. 8 to 8: sixteen processes, each publisher with a topic and a subscriber of its own.
- Calls: the callee answers with what it got. NATS's are its request and reply, by the client's default (one inbox for all).
- Stored: the publisher awaits each acknowledgement, alone or with 64 in flight. JetStream flushes to disk before it acknowledges (\`sync_interval: always\`). Mosquitto acknowledges before it writes, whatever its settings, so its line is what people use, not the same promise; one absent session keeps the messages. Afterwards each system that can be asked how many messages it keeps is asked, and a run in which that is not what was acknowledged does not count.
- AutoGen's protocol: AutoGen's own Python workers at both ends, with agentrt's host and with AutoGen's.
- Priority: a message of high priority every 5 ms to one agent, first with nothing else, then while another worker publishes normal ones as fast as it can to the same agent. Only those that were sent while it published count.
- Memory: resident memory of the host's process after it has settled, idle, and with twice as many connections or subscriptions as before: the difference is what each of the second half takes, because the first ones bring what a host needs once, such as compiled code, whatever their number. Each connection is a TCP connection of its own (it is checked); subscriptions are on two connections, all on topics of their own.
- Growth: processor time of the host for one message, with few and with many. With topics, both publish ten messages a turn, each on another topic, so that batches are equal and only the number of topics differs; every topic has been used once before.
- Start: from exec to the line that says ready on standard error, page off; the median of ten, after one that does not count.
- Defaults everywhere unless named under Systems.`;

/** What to make of the numbers. */
export const MEANING = `## What the numbers mean

They compare ways to pass messages between processes of one small machine, not networks. Sender, host and receiver share the cores, so a system whose processes together want more than the machine has is slower here than on a larger one; the processor time for each message is the number to compare across machines. NATS's server is compiled Go that uses several threads; the clients are TypeScript on both sides. Latencies are those of idle hosts, with one call at a time; they include two hops in each direction and four wake-ups of a process. Of the memory, agentrt's host is a JavaScript program whose collector decides when memory goes back.`;
