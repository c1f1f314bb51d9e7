import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** Runs one Elasticsearch node inside this process. Arguments: the home folder, then settings as name=value. */
public final class NodeMain {
  private NodeMain() {}

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    Map<String, String> settings = new HashMap<>();
    for (int i = 1; i < arguments.length; i++) {
      int cut = arguments[i].indexOf('=');
      settings.put(arguments[i].substring(0, cut), arguments[i].substring(cut + 1));
    }
    String name = settings.getOrDefault("node.name", "es-1");

    LogConfigurator.configureESLogging();
    Settings base = Settings.builder().put("path.home", home.toString()).build();
    Environment environment = InternalSettingsPreparer.prepareEnvironment(base, settings, home.resolve("config"), () -> name);
    LogConfigurator.setNodeName(name);
    LogConfigurator.configure(environment, true);

    PluginsLoader plugins = PluginsLoader.createPluginsLoader(
        PluginsLoader.loadModulesBundles(environment.modulesDir()),
        PluginsLoader.loadPluginsBundles(environment.pluginsDir()),
        Map.of(), false);
    Node node = new Node(environment, plugins);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.prepareForClose();
        node.close();
      } catch (Exception failure) {
        failure.printStackTrace();
      } finally {
        ended.countDown();
      }
    }));
    node.start();
    ended.await();
  }
}
