"""A small Qwen3-MoE for training on few CPU threads, weight-compatible with Transformers' Qwen3MoeForCausalLM.

The forward pass is that of Transformers (train_demo.py --check compares the logits); what differs is how the experts
are run: rows are sorted by expert once, each expert multiplies one contiguous slice, nothing is dropped or padded.
Matrices are kept in float32 and multiplied in bfloat16; norms, router and softmax run in float32.

Letters in shape comments: N tokens in a batch, H hidden, E experts, K experts a token, I expert width, V vocabulary,
P the N * K routed rows, padded.
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Geometry:
    vocab: int = 4096
    hidden: int = 256
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    experts: int = 32
    top_k: int = 4
    expert_width: int = 96
    rope_theta: float = 10000.0
    eps: float = 1e-6
    positions: int = 2048

    def hf_config(self):
        from transformers import Qwen3MoeConfig
        return Qwen3MoeConfig(
            vocab_size=self.vocab, hidden_size=self.hidden, num_hidden_layers=self.layers,
            num_attention_heads=self.heads, num_key_value_heads=self.kv_heads, head_dim=self.head_dim,
            num_experts=self.experts, num_experts_per_tok=self.top_k, moe_intermediate_size=self.expert_width,
            intermediate_size=self.expert_width * self.top_k, norm_topk_prob=True, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": self.rope_theta}, rms_norm_eps=self.eps,
            max_position_embeddings=self.positions, decoder_sparse_step=1, mlp_only_layers=[],
            use_sliding_window=False, attention_bias=False, bos_token_id=None)


class GroupedLinear(torch.autograd.Function):
    """y[a:b] = x[a:b] @ w[e].T for the slice a:b of each expert e.  x [P, in], w [E, out, in] -> y [P, out]."""

    @staticmethod
    def forward(ctx, x, w, bounds):
        y = x.new_empty(x.shape[0], w.shape[1])
        for e in range(w.shape[0]):
            a, b = bounds[e], bounds[e + 1]
            if b > a:
                torch.mm(x[a:b], w[e].t(), out=y[a:b])
        ctx.save_for_backward(x, w)
        ctx.bounds = bounds
        return y

    @staticmethod
    def backward(ctx, dy):
        x, w = ctx.saved_tensors
        bounds, dy = ctx.bounds, dy.contiguous()
        dx, dw = torch.empty_like(x), torch.zeros_like(w)
        for e in range(w.shape[0]):
            a, b = bounds[e], bounds[e + 1]
            if b > a:
                torch.mm(dy[a:b], w[e], out=dx[a:b])
                torch.mm(dy[a:b].t(), x[a:b], out=dw[e])
        return dx, dw, None


class Dispatch(torch.autograd.Function):
    """x [N, H] -> rows [P, H] grouped by expert: row p is a copy of token source[p].

    slot [N * K] says at which row the (token, slot) pair lies; the rows it does not name are padding.
    """

    @staticmethod
    def forward(ctx, x, source, slot, k):
        ctx.save_for_backward(slot)
        ctx.k = k
        return x.index_select(0, source)

    @staticmethod
    def backward(ctx, d):
        (slot,) = ctx.saved_tensors
        return d.index_select(0, slot).view(-1, ctx.k, d.shape[1]).sum(1), None, None, None


class Collect(torch.autograd.Function):
    """rows [P, H] grouped by expert, already weighted -> [N, H], the sum over each token's K rows.

    Padding rows receive some other token's gradient: harmless, because their weight is zero.
    """

    @staticmethod
    def forward(ctx, y, source, slot, k):
        ctx.save_for_backward(source)
        return y.index_select(0, slot).view(-1, k, y.shape[1]).float().sum(1).to(y.dtype)

    @staticmethod
    def backward(ctx, d):
        (source,) = ctx.saved_tensors
        return d.index_select(0, source), None, None, None


def group_rows(chosen, experts, block):
    """chosen [N, K] -> (source [P], slot [N * K], bounds): an expert's rows together, padded to a multiple of block.

    The padding makes matrix shapes recur; the library generates code for every new shape, which costs more than the
    multiplication itself.
    """
    flat = chosen.reshape(-1)
    order = torch.argsort(flat, stable=True)
    count = torch.bincount(flat, minlength=experts)
    padded = (count + block - 1) // block * block
    start = padded.cumsum(0) - padded
    rank = torch.arange(flat.numel()) - (count.cumsum(0) - count).repeat_interleave(count)
    slot = torch.empty_like(order)
    slot[order] = start.repeat_interleave(count) + rank
    source = torch.zeros(int(padded.sum()), dtype=torch.long)
    source[slot] = torch.arange(flat.numel()) // chosen.shape[1]
    return source, slot, [0] + padded.cumsum(0).tolist()


class TiedCrossEntropy(torch.autograd.Function):
    """Sum of the cross entropies of h @ table.T, in chunks so that the logits never leave the cache.

    h [N, H] bfloat16, table [V, H] bfloat16, target [N] (negative: not counted).  Computes the gradients right away.
    """

    @staticmethod
    def forward(ctx, h, table, target, chunk=512):
        total = torch.zeros(())
        dh, dt = torch.empty_like(h), torch.zeros(table.shape, dtype=torch.float32)
        for a in range(0, h.shape[0], chunk):
            hc, tc = h[a:a + chunk], target[a:a + chunk]
            p = (hc @ table.t()).float()
            p -= p.amax(1, keepdim=True)
            at = tc.clamp(min=0)[:, None]
            counted = (tc >= 0).float()[:, None]
            picked = p.gather(1, at)
            p.exp_()
            z = p.sum(1, keepdim=True)
            total += ((z.log() - picked) * counted).sum()
            p *= counted / z
            p.scatter_add_(1, at, -counted)
            d = p.bfloat16()
            dh[a:a + chunk] = d @ table
            dt += (d.t() @ hc).float()
        ctx.save_for_backward(dh, dt.bfloat16())
        return total

    @staticmethod
    def backward(ctx, g):
        dh, dt = ctx.saved_tensors
        return dh * g, dt * g, None, None


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def rotate(x, cos, sin):
    """x [B, heads, T, D], cos and sin [T, D]: the half-split rotary embedding."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Layer(nn.Module):
    def __init__(self, g: Geometry):
        super().__init__()
        q, kv, small = g.heads * g.head_dim, g.kv_heads * g.head_dim, 0.02 / (2 * g.layers) ** 0.5
        matrix = lambda *shape, std=0.02: nn.Parameter(torch.randn(*shape) * std)
        self.g = g
        self.q, self.k, self.v = matrix(q, g.hidden), matrix(kv, g.hidden), matrix(kv, g.hidden)
        self.o = matrix(g.hidden, q, std=small)
        self.router = matrix(g.experts, g.hidden)
        self.gate_up = matrix(g.experts, 2 * g.expert_width, g.hidden)  # the gate's rows first, as in Transformers
        self.down = matrix(g.experts, g.hidden, g.expert_width, std=small)
        self.norm1, self.norm2 = nn.Parameter(torch.ones(g.hidden)), nn.Parameter(torch.ones(g.hidden))
        self.q_norm, self.k_norm = nn.Parameter(torch.ones(g.head_dim)), nn.Parameter(torch.ones(g.head_dim))

    def attention(self, x, cos, sin):
        g, (b, t, _) = self.g, x.shape
        dtype = self.compute
        h = rms_norm(x, self.norm1, g.eps).to(dtype)
        qkv = F.linear(h, torch.cat((self.q, self.k, self.v)).to(dtype)).float().view(b, t, -1, g.head_dim)
        q, k, v = qkv.split((g.heads, g.kv_heads, g.kv_heads), 2)
        q = rotate(rms_norm(q, self.q_norm, g.eps).transpose(1, 2), cos, sin).to(dtype)
        k = rotate(rms_norm(k, self.k_norm, g.eps).transpose(1, 2), cos, sin).to(dtype)
        v = v.transpose(1, 2).to(dtype)
        repeat = g.heads // g.kv_heads
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return F.linear(a.transpose(1, 2).reshape(b, t, -1), self.o.to(dtype)).float()

    def experts(self, x):
        """x [N, H] -> (y [N, H], router logits [N, E], chosen experts [N, K])."""
        g, dtype = self.g, self.compute
        h = rms_norm(x, self.norm2, g.eps)
        logits = F.linear(h, self.router)
        weight, chosen = torch.topk(logits.softmax(-1), g.top_k, -1)
        weight = weight / weight.sum(-1, keepdim=True)
        source, slot, bounds = group_rows(chosen, g.experts, block=64)
        rows = Dispatch.apply(h.to(dtype), source, slot, g.top_k)
        gate, up = GroupedLinear.apply(rows, self.gate_up.to(dtype), bounds).chunk(2, -1)
        # The router's weight goes on the narrow side of the down projection, where it is cheapest.
        scale = torch.zeros(rows.shape[0]).index_copy(0, slot, weight.reshape(-1))[:, None]
        y = GroupedLinear.apply(F.silu(gate) * up * scale.to(dtype), self.down.to(dtype), bounds)
        return Collect.apply(y, source, slot, g.top_k).float(), logits, chosen


class Model(nn.Module):
    def __init__(self, g: Geometry, compute=torch.bfloat16):
        super().__init__()
        self.g, self.compute = g, compute
        self.table = nn.Parameter(torch.randn(g.vocab, g.hidden) * 0.02)
        self.layers = nn.ModuleList(Layer(g) for _ in range(g.layers))
        self.norm = nn.Parameter(torch.ones(g.hidden))
        for layer in self.layers:
            layer.compute = compute

    def hidden(self, ids, dropout=0.0):
        """ids [B, T] -> (h [N, H] after the last norm, router logits and choices of each layer)."""
        g, (b, t) = self.g, ids.shape
        angle = torch.outer(torch.arange(t).float(),
                            g.rope_theta ** (-torch.arange(0, g.head_dim, 2).float() / g.head_dim))
        cos, sin = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()
        x, routing = F.embedding(ids, self.table), []
        for layer in self.layers:
            x = x + F.dropout(layer.attention(x, cos, sin), dropout, self.training)
            y, logits, chosen = layer.experts(x.view(b * t, -1))
            routing.append((logits, chosen))
            x = x + F.dropout(y, dropout, self.training).view(b, t, -1)
        return rms_norm(x, self.norm, g.eps).view(b * t, -1), routing

    def logits(self, ids):
        h, routing = self.hidden(ids)
        return F.linear(h.to(self.compute), self.table.to(self.compute)).float(), routing

    def loss(self, ids, target, dropout=0.0):
        """Mean cross entropy; load-balancing loss (1 when even) and router z-loss, both means over layers."""
        h, routing = self.hidden(ids, dropout)
        target = target.reshape(-1)
        ce = TiedCrossEntropy.apply(h.to(self.compute), self.table.to(self.compute), target) / (target >= 0).sum()
        balance = z = 0.0
        for logits, chosen in routing:
            share = torch.bincount(chosen.reshape(-1), minlength=self.g.experts).float() / chosen.numel()
            balance = balance + self.g.experts * (share * logits.softmax(-1).mean(0)).sum()
            z = z + logits.logsumexp(-1).square().mean()
        return ce, balance / len(routing), z / len(routing)

    def hf_state(self) -> dict[str, torch.Tensor]:
        """The weights under the names of a published Qwen3-MoE checkpoint, one tensor per expert and matrix."""
        out = {"model.embed_tokens.weight": self.table, "model.norm.weight": self.norm}
        for i, l in enumerate(self.layers):
            p = f"model.layers.{i}."
            out |= {p + "input_layernorm.weight": l.norm1, p + "post_attention_layernorm.weight": l.norm2,
                    p + "self_attn.q_proj.weight": l.q, p + "self_attn.k_proj.weight": l.k,
                    p + "self_attn.v_proj.weight": l.v, p + "self_attn.o_proj.weight": l.o,
                    p + "self_attn.q_norm.weight": l.q_norm, p + "self_attn.k_norm.weight": l.k_norm,
                    p + "mlp.gate.weight": l.router}
            for e in range(self.g.experts):
                q = f"{p}mlp.experts.{e}."
                out |= {q + "gate_proj.weight": l.gate_up[e, :self.g.expert_width],
                        q + "up_proj.weight": l.gate_up[e, self.g.expert_width:],
                        q + "down_proj.weight": l.down[e]}
        return {k: v.detach().float().contiguous().clone() for k, v in out.items()}
