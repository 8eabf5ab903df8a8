// Models of the Gowin cells MULT9X9 and MULT18X18, for simulation and proof. They are not Gowin's.
//
// Written for this project, with no vendor's text: ports and parameters are those of Yosys' empty
// cells (share/gowin/cells_xtra_gw1n.v). The order of the registers (inputs, pipeline, output) and
// their common CE and RESET are those of Gowin's "DSP User Guide" (UG287), as they are commonly
// known: this file has been compared neither with the guide's text nor with a chip.
//
// What they model: operands A and B, each signed or not by ASIGN and BSIGN; the registers AREG,
// BREG, PIPE_REG and OUT_REG, each present or not, all on one CLK, CE and synchronous RESET; the
// product DOUT.
//
// What they leave out: shift chains (ASEL, BSEL, SIA, SIB, SOA, SOB, SOA_REG), the asynchronous
// reset, and registers for ASIGN and BSIGN, which must not change. A parameter that asks for any
// of these names a module that does not exist, and so stops the tool; a pin that asks makes DOUT
// undefined. SOA and SOB are not driven. Registers start as they please.

module gowin_mult_register #(
    parameter WIDTH = 1,
    parameter [0:0] PRESENT = 1'b0
) (
    input clk, ce, rst,
    input [WIDTH-1:0] d,
    output [WIDTH-1:0] q
);
    generate if (PRESENT) begin : registered
        reg [WIDTH-1:0] value;
        always @(posedge clk)
            if (rst) value <= 0;
            else if (ce) value <= d;
        assign q = value;
    end else begin : bypassed
        assign q = d;
    end endgenerate
endmodule

module gowin_mult #(
    parameter WIDTH = 9,
    parameter [0:0] AREG = 1'b0,
    parameter [0:0] BREG = 1'b0,
    parameter [0:0] OUT_REG = 1'b0,
    parameter [0:0] PIPE_REG = 1'b0,
    parameter [0:0] ASIGN_REG = 1'b0,
    parameter [0:0] BSIGN_REG = 1'b0,
    parameter [0:0] SOA_REG = 1'b0,
    parameter MULT_RESET_MODE = "SYNC"
) (
    input [WIDTH-1:0] A, B,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [2*WIDTH-1:0] DOUT
);
    generate if (ASIGN_REG || BSIGN_REG || SOA_REG || MULT_RESET_MODE != "SYNC")
        gowin_mult_parameter_not_modelled not_modelled ();
    endgenerate

    wire [WIDTH-1:0] a, b;
    wire [2*WIDTH-1:0] product, staged, result;

    gowin_mult_register #(WIDTH, AREG) a_reg (CLK, CE, RESET, A, a);
    gowin_mult_register #(WIDTH, BREG) b_reg (CLK, CE, RESET, B, b);

    // Extended to the width of the product, signed and unsigned numbers multiply alike.
    assign product = {{WIDTH{ASIGN & a[WIDTH-1]}}, a} * {{WIDTH{BSIGN & b[WIDTH-1]}}, b};

    gowin_mult_register #(2*WIDTH, PIPE_REG) pipe_reg (CLK, CE, RESET, product, staged);
    gowin_mult_register #(2*WIDTH, OUT_REG) out_reg (CLK, CE, RESET, staged, result);

    assign DOUT = ASEL || BSEL ? {2*WIDTH{1'bx}} : result;
endmodule

module MULT9X9 #(
    parameter [0:0] AREG = 1'b0,
    parameter [0:0] BREG = 1'b0,
    parameter [0:0] OUT_REG = 1'b0,
    parameter [0:0] PIPE_REG = 1'b0,
    parameter [0:0] ASIGN_REG = 1'b0,
    parameter [0:0] BSIGN_REG = 1'b0,
    parameter [0:0] SOA_REG = 1'b0,
    parameter MULT_RESET_MODE = "SYNC"
) (
    input [8:0] A, SIA, B, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [17:0] DOUT,
    output [8:0] SOA, SOB
);
    gowin_mult #(9, AREG, BREG, OUT_REG, PIPE_REG, ASIGN_REG, BSIGN_REG, SOA_REG, MULT_RESET_MODE)
        mult (A, B, ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, DOUT);
endmodule

module MULT18X18 #(
    parameter [0:0] AREG = 1'b0,
    parameter [0:0] BREG = 1'b0,
    parameter [0:0] OUT_REG = 1'b0,
    parameter [0:0] PIPE_REG = 1'b0,
    parameter [0:0] ASIGN_REG = 1'b0,
    parameter [0:0] BSIGN_REG = 1'b0,
    parameter [0:0] SOA_REG = 1'b0,
    parameter MULT_RESET_MODE = "SYNC"
) (
    input [17:0] A, SIA, B, SIB,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [35:0] DOUT,
    output [17:0] SOA, SOB
);
    gowin_mult #(18, AREG, BREG, OUT_REG, PIPE_REG, ASIGN_REG, BSIGN_REG, SOA_REG, MULT_RESET_MODE)
        mult (A, B, ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, DOUT);
endmodule
