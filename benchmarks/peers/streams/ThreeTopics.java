import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * messages.v1, intents.v1, replies.v1 in Kafka Streams, exactly once: the peer of benchmarks/three-topics.
 * Same records in the same encoding (Avro behind 0x00 and a schema id), same two stages, state in memory with its changelog.
 *
 * Arguments: brokers, prefix, folder of the schemas, threads, commit interval in milliseconds, folder for its state,
 * then Record=id for Message, IntentDetected, BotReply and DialogueState.
 */
public final class ThreeTopics {
    private static final String STATES = "states";

    public static void main(String[] args) throws Exception {
        String brokers = args[0];
        String prefix = args[1];
        Path schemas = Path.of(args[2]);
        Map<String, Integer> ids = new java.util.HashMap<>();
        for (int i = 6; i < args.length; i += 1) ids.put(args[i].split("=")[0], Integer.parseInt(args[i].split("=")[1]));

        AvroSerde messages = new AvroSerde(parse(schemas, "messages.v1"), ids.get("Message"));
        AvroSerde intents = new AvroSerde(parse(schemas, "intents.v1"), ids.get("IntentDetected"));
        AvroSerde replies = new AvroSerde(parse(schemas, "replies.v1"), ids.get("BotReply"));
        AvroSerde states = new AvroSerde(parse(schemas, "dialogue-states.v1"), ids.get("DialogueState"));

        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(STATES), Serdes.String(), states));
        builder.stream(prefix + "messages.v1", Consumed.with(Serdes.String(), messages))
            .processValues(() -> new Intent(intents.schema))
            .to(prefix + "intents.v1", Produced.with(Serdes.String(), intents));
        builder.stream(prefix + "intents.v1", Consumed.with(Serdes.String(), intents))
            .processValues(() -> new Dialogue(replies.schema, states.schema), STATES)
            .to(prefix + "replies.v1", Produced.with(Serdes.String(), replies));

        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "streams");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(args[3]));
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Long.parseLong(args[4]));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
        settings.put("auto.offset.reset", "earliest");

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        streams.setStateListener((next, before) -> {
            if (next == KafkaStreams.State.RUNNING) System.out.println("ready");
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Schema parse(Path folder, String name) throws java.io.IOException {
        return new Schema.Parser().parse(folder.resolve(name + ".avsc").toFile());
    }

    private static String position(RecordMetadata at) {
        return String.format("00000000-%012d-00", at.offset());
    }

    /** Carries the message on. */
    private static final class Intent extends ContextualFixedKeyProcessor<String, GenericRecord, GenericRecord> {
        private final Schema schema;

        Intent(Schema schema) { this.schema = schema; }

        @Override
        public void process(FixedKeyRecord<String, GenericRecord> input) {
            GenericRecord intent = new GenericData.Record(schema);
            intent.put("position", position(context().recordMetadata().orElseThrow()));
            intent.put("message", input.value());
            intent.put("results", List.of());
            intent.put("detectedAt", System.currentTimeMillis());
            context().forward(input.withValue(intent));
        }
    }

    /** Says the text again and counts the turns. */
    private static final class Dialogue extends ContextualFixedKeyProcessor<String, GenericRecord, GenericRecord> {
        private final Schema replySchema;
        private final Schema stateSchema;
        private final Schema authorSchema;
        private final Schema partsSchema;
        private KeyValueStore<String, GenericRecord> states;

        Dialogue(Schema replySchema, Schema stateSchema) {
            this.replySchema = replySchema;
            this.stateSchema = stateSchema;
            this.authorSchema = replySchema.getField("author").schema();
            this.partsSchema = replySchema.getField("parts").schema();
        }

        @Override
        public void init(FixedKeyProcessorContext<String, GenericRecord> context) {
            super.init(context);
            states = context.getStateStore(STATES);
        }

        @Override
        public void process(FixedKeyRecord<String, GenericRecord> input) {
            GenericRecord message = (GenericRecord) input.value().get("message");
            Object position = input.value().get("position");
            GenericRecord before = states.get(input.key());

            GenericRecord state = new GenericData.Record(stateSchema);
            state.put("reflects", position);
            state.put("prev", position);
            state.put("botId", message.get("botId"));
            state.put("botVersion", "1");
            state.put("handedOff", false);
            state.put("turns", before == null ? 1 : (Integer) before.get("turns") + 1);
            states.put(input.key(), state);
            context().forward(input.withValue(reply(message, position, before == null ? null : before.get("prev"))));
        }

        private GenericRecord reply(GenericRecord message, Object position, Object prev) {
            GenericRecord author = new GenericData.Record(authorSchema);
            author.put("type", "bot");
            GenericRecord part = new GenericData.Record(partsSchema.getElementType());
            part.put("text", message.get("text"));
            part.put("quickReplies", List.of());
            GenericRecord reply = new GenericData.Record(replySchema);
            reply.put("position", position);
            reply.put("inReplyTo", message.get("messageId"));
            reply.put("replyId", message.get("messageId") + "-01");
            reply.put("botId", message.get("botId"));
            reply.put("botVersion", "1");
            reply.put("channel", message.get("channel"));
            reply.put("confidence", 0.0);
            reply.put("outcome", "answered");
            reply.put("author", author);
            reply.put("parts", List.of(part));
            reply.put("effects", List.of());
            reply.put("prev", prev);
            reply.put("createdAt", System.currentTimeMillis());
            return reply;
        }
    }

    /** Confluent wire format. Stream threads have serializers of their own thread: readers and writers are reused. */
    private static final class AvroSerde implements Serde<GenericRecord> {
        private static final int HEADER = 5;
        final Schema schema;
        private final int id;
        private final ThreadLocal<Codec> codecs;

        AvroSerde(Schema schema, int id) {
            this.schema = schema;
            this.id = id;
            this.codecs = ThreadLocal.withInitial(() -> new Codec(schema));
        }

        @Override
        public Serializer<GenericRecord> serializer() {
            return (topic, record) -> {
                if (record == null) return null;
                Codec codec = codecs.get();
                try {
                    codec.out.reset();
                    codec.out.write(0);
                    codec.out.write(ByteBuffer.allocate(4).putInt(id).array());
                    codec.encoder = EncoderFactory.get().directBinaryEncoder(codec.out, codec.encoder);
                    codec.writer.write(record, codec.encoder);
                    return codec.out.toByteArray();
                } catch (java.io.IOException cause) {
                    throw new java.io.UncheckedIOException(cause);
                }
            };
        }

        @Override
        public Deserializer<GenericRecord> deserializer() {
            return (topic, bytes) -> {
                if (bytes == null) return null;
                Codec codec = codecs.get();
                try {
                    codec.decoder = DecoderFactory.get().binaryDecoder(bytes, HEADER, bytes.length - HEADER, codec.decoder);
                    return codec.reader.read(null, codec.decoder);
                } catch (java.io.IOException cause) {
                    throw new java.io.UncheckedIOException(cause);
                }
            };
        }
    }

    private static final class Codec {
        final GenericDatumReader<GenericRecord> reader;
        final GenericDatumWriter<GenericRecord> writer;
        final java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream(512);
        BinaryDecoder decoder;
        BinaryEncoder encoder;

        Codec(Schema schema) {
            reader = new GenericDatumReader<>(schema);
            writer = new GenericDatumWriter<>(schema);
        }
    }
}
