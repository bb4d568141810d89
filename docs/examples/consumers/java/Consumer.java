import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints each change of a violation once: Consumer.java BROKERS TOPIC GROUP [IDLE_SECONDS]
 *
 * <p>With IDLE_SECONDS it ends when nothing has come for so long.
 */
public class Consumer {
  public static void main(String[] args) throws Exception {
    long idle = args.length > 3 ? Long.parseLong(args[3]) * 1000 : Long.MAX_VALUE;
    Map<String, Object> config =
        Map.of(
            "bootstrap.servers", args[0],
            "group.id", args[2],
            "auto.offset.reset", "earliest",
            "enable.auto.commit", "false",
            "key.deserializer", StringDeserializer.class,
            "value.deserializer", StringDeserializer.class);
    // The highest revision of each item. Keep it with what you do about violations, in
    // your database: then a restart doesn't forget it.
    Map<String, Integer> seen = new HashMap<>();
    ObjectMapper json = new ObjectMapper();
    try (var consumer = new KafkaConsumer<String, String>(config)) {
      consumer.subscribe(List.of(args[1]));
      for (long last = System.currentTimeMillis(); System.currentTimeMillis() - last < idle; ) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          JsonNode violation = json.readTree(record.value());
          if (!violation.get("schema").asText().equals("violation/v1")) {
            throw new IllegalStateException(violation.get("schema") + " is a schema that this program doesn't know");
          }
          int revision = violation.get("verdict").get("revision").asInt();
          if (revision > seen.getOrDefault(record.key(), 0)) {
            seen.put(record.key(), revision);
            System.out.println(violation.get("change").asText() + " " + violation.get("id").asText());
          }
          last = System.currentTimeMillis();
        }
        consumer.commitSync();
      }
    }
  }
}
