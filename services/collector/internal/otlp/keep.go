package otlp

import (
	"regexp"
	"strings"
)

// Text, lists and maps are kept only under names that are known to hold none of
// what people and models say: a name that is new to us is content. Numbers and truth
// values are kept, unless their name says that they are content.

// attributes are names of attributes of spans, log records and scopes whose values
// are kept. A "*" at the end stands for anything.
var attributes = []string{
	"assay.*",
	"gen_ai.operation.name", "gen_ai.system", "gen_ai.provider.name", "gen_ai.output.type", "gen_ai.conversation.id",
	"gen_ai.request.model", "gen_ai.request.encoding_formats", "gen_ai.response.model", "gen_ai.response.id",
	"gen_ai.response.finish_reasons", "gen_ai.usage.*", "gen_ai.token.*", "gen_ai.openai.*",
	"gen_ai.agent.id", "gen_ai.agent.name", "gen_ai.agent.version", "gen_ai.workflow.name", "gen_ai.prompt.name",
	"gen_ai.prompt.version", "gen_ai.data_source.id", "gen_ai.tool.name", "gen_ai.tool.type", "gen_ai.tool.call.id",
	"gen_ai.evaluation.name", "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label",
	"gen_ai.guardrail.id", "gen_ai.guardrail.name", "gen_ai.guardrail.decision", "gen_ai.guardrail.action",
	"gen_ai.security.decision.type", "gen_ai.security.policy.id", "gen_ai.security.policy.name",
	"gen_ai.security.policy.version", "gen_ai.security.risk.severity",
	"openai.request.service_tier", "openai.response.service_tier", "openai.response.system_fingerprint", "openai.api.type",
	"aws.bedrock.guardrail.id", "aws.bedrock.knowledge_base.id",
	"traceloop.span.kind", "traceloop.entity.name", "traceloop.entity.path", "traceloop.entity.version",
	"traceloop.workflow.name", "traceloop.prompt.key", "traceloop.prompt.version",
	"llm.request.type", "llm.request.model", "llm.response.model", "llm.model_name", "llm.provider", "llm.system", "llm.vendor",
	"llm.usage.*", "llm.token_count.*", "openinference.span.kind", "embedding.model_name", "reranker.model_name",
	"ai.operationId", "ai.model.id", "ai.model.provider", "ai.response.model", "ai.response.id", "ai.response.finishReason",
	"ai.toolCall.name", "ai.toolCall.id",
	"agent.name", "tool.name", "graph.node.id", "graph.node.name", "graph.node.parent_id", "session.id",
	"mcp.method.name", "mcp.protocol.version", "mcp.session.id", "mcp.resource.uri", "mcp.tool.name", "mcp.server.name",
	"jsonrpc.request.id", "jsonrpc.protocol.version", "rpc.system", "rpc.service", "rpc.method", "rpc.response.status_code",
	"network.transport", "network.protocol.name", "network.protocol.version", "server.address", "server.port",
	"db.system", "db.system.name", "db.namespace", "db.collection.name", "db.operation.name",
	"http.request.method", "http.response.status_code", "error.type", "exception.type", "event.name", "cloud.region", "aws.region",
}

// resources are those of resources. Command lines, environments and users are not
// among them.
var resources = []string{
	"assay.*", "service.*", "telemetry.*", "deployment.*", "cloud.*", "k8s.*", "faas.*",
	"container.id", "container.name", "container.image.*", "host.id", "host.name", "host.type", "host.arch",
	"os.type", "process.pid", "process.runtime.*",
}

// content finds names under which even a number is what somebody said.
var content = regexp.MustCompile(`(?i)(^|[._])(input|output|prompts?|completions?|content|text|messages?|arguments|args|params|parameters|query|body|value|results?)([._]|$)`)

// names is a set of names, some of them open at the end.
type names struct {
	exact map[string]bool
	begin []string
}

func newNames(lists ...[]string) names {
	n := names{exact: map[string]bool{}}
	for _, list := range lists {
		for _, name := range list {
			if begin, open := strings.CutSuffix(name, "*"); open {
				n.begin = append(n.begin, begin)
				continue
			}
			n.exact[name] = true
		}
	}
	return n
}

func (n names) has(name string) bool {
	if n.exact[name] {
		return true
	}
	for _, begin := range n.begin {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}
