import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.LetterTokenizer;
import org.apache.lucene.analysis.core.UpperCaseFilter;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.de.GermanAnalyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.es.SpanishAnalyzer;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.it.ItalianAnalyzer;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.ngram.NGramTokenFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.analysis.AbstractIndexAnalyzerProvider;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;

/**
 * The little of Elasticsearch's own modules that tests need and that Maven Central does not have: common analyzers, token
 * filters and tokenizers (all are Lucene's), and `GET /`, by which the client recognises the product.
 */
public final class AnalysisSmallPlugin extends Plugin implements AnalysisPlugin, ActionPlugin {
  @FunctionalInterface
  private interface FilterMaker {
    TokenStream make(TokenStream input, Settings settings);
  }

  private static final class Filter extends AbstractTokenFilterFactory implements NormalizingTokenFilterFactory {
    private final FilterMaker maker;
    private final Settings settings;

    Filter(String name, Settings settings, FilterMaker maker) {
      super(name, settings);
      this.maker = maker;
      this.settings = settings;
    }

    @Override public TokenStream create(TokenStream input) {
      return maker.make(input, settings);
    }
  }

  private static AnalysisProvider<TokenFilterFactory> filter(FilterMaker maker) {
    return (index, environment, name, settings) -> new Filter(name, settings, maker);
  }

  private static AnalysisProvider<TokenizerFactory> tokenizer(Supplier<Tokenizer> maker) {
    return (index, environment, name, settings) -> TokenizerFactory.newFactory(name, maker);
  }

  private static AnalysisProvider<AnalyzerProvider<? extends Analyzer>> analyzer(Supplier<Analyzer> maker) {
    return (index, environment, name, settings) -> new AbstractIndexAnalyzerProvider<Analyzer>(name, settings) {
      private final Analyzer made = maker.get();

      @Override public Analyzer get() {
        return made;
      }
    };
  }

  private static TokenStream stem(TokenStream input, String language) {
    if (language.equals("english") || language.equals("porter")) return new PorterStemFilter(input);
    String plain = language.startsWith("light_") ? language.substring(6) : language;
    return new SnowballFilter(input, Character.toUpperCase(plain.charAt(0)) + plain.substring(1));
  }

  @Override public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    Map<String, AnalysisProvider<TokenFilterFactory>> filters = new HashMap<>();
    filters.put("lowercase", filter((input, settings) -> new LowerCaseFilter(input)));
    filters.put("uppercase", filter((input, settings) -> new UpperCaseFilter(input)));
    filters.put("trim", filter((input, settings) -> new TrimFilter(input)));
    filters.put("unique", filter((input, settings) -> new RemoveDuplicatesTokenFilter(input)));
    filters.put("asciifolding", filter((input, settings) -> new ASCIIFoldingFilter(input, settings.getAsBoolean("preserve_original", false))));
    filters.put("ngram", filter((input, settings) -> new NGramTokenFilter(input, settings.getAsInt("min_gram", 1), settings.getAsInt("max_gram", 2), settings.getAsBoolean("preserve_original", false))));
    filters.put("edge_ngram", filter((input, settings) -> new EdgeNGramTokenFilter(input, settings.getAsInt("min_gram", 1), settings.getAsInt("max_gram", 2), settings.getAsBoolean("preserve_original", false))));
    filters.put("stemmer", filter((input, settings) -> stem(input, settings.get("language", settings.get("name", "english")))));
    filters.put("snowball", filter((input, settings) -> new SnowballFilter(input, settings.get("language", "English"))));
    return filters;
  }

  @Override public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
    return Map.of("whitespace", tokenizer(WhitespaceTokenizer::new), "keyword", tokenizer(KeywordTokenizer::new), "letter", tokenizer(LetterTokenizer::new));
  }

  @Override public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
    return Map.of(
        "english", analyzer(EnglishAnalyzer::new), "german", analyzer(GermanAnalyzer::new), "french", analyzer(FrenchAnalyzer::new),
        "spanish", analyzer(SpanishAnalyzer::new), "italian", analyzer(ItalianAnalyzer::new));
  }

  @Override public Collection<RestHandler> getRestHandlers(
      Settings settings, NamedWriteableRegistry registry, RestController controller, ClusterSettings clusterSettings,
      IndexScopedSettings indexSettings, SettingsFilter settingsFilter, IndexNameExpressionResolver resolver,
      Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
    return List.of(new Root(settings.get("cluster.name", "elasticsearch"), nodes));
  }

  /** `GET /` and `HEAD /`. */
  private static final class Root extends BaseRestHandler {
    private final String cluster;
    private final Supplier<DiscoveryNodes> nodes;

    Root(String cluster, Supplier<DiscoveryNodes> nodes) {
      this.cluster = cluster;
      this.nodes = nodes;
    }

    @Override public String getName() {
      return "root";
    }

    @Override public List<Route> routes() {
      return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
      return channel -> {
        Build build = Build.current();
        var body = channel.newBuilder().startObject()
            .field("name", nodes.get().getLocalNode().getName()).field("cluster_name", cluster).field("cluster_uuid", "_na_");
        body.startObject("version")
            .field("number", build.qualifiedVersion()).field("build_flavor", build.flavor()).field("build_type", "unknown")
            .field("build_hash", build.hash()).field("build_date", build.date()).field("build_snapshot", build.isSnapshot())
            .field("lucene_version", org.apache.lucene.util.Version.LATEST.toString())
            .field("minimum_wire_compatibility_version", build.minWireCompatVersion())
            .field("minimum_index_compatibility_version", build.minIndexCompatVersion())
            .endObject();
        body.field("tagline", "You Know, for Search").endObject();
        channel.sendResponse(new RestResponse(RestStatus.OK, body));
      };
    }
  }
}
