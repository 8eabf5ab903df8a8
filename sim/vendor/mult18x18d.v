// A model of the Lattice ECP5 cell MULT18X18D, for simulation and proof. It is not Lattice's.
//
// Written for this project, with no vendor's text: ports and parameters are those of Yosys' empty
// cell (share/ecp5/cells_bb.v), and what the chip's configuration can express is what nextpnr-ecp5
// writes. The order of the registers (inputs, pipeline, output) is that of Lattice's "ECP5 and
// ECP5-5G sysDSP Usage Guide" (FPGA-TN-02205, formerly TN1267), as it is commonly known: this file
// has been compared neither with the guide's text nor with a chip.
//
// What it models: operands A and B, each signed or not by SIGNEDA and SIGNEDB; the registers of
// INPUTA, INPUTB, PIPELINE and OUTPUT, each with the clock, clock enable and synchronous reset
// that its parameters name, or none; the 36-bit product P.
//
// What it leaves out: the C operand, shift chains (SOURCEA, SOURCEB, SRI*, SRO*, RO*), the
// pre-adder, cascading to an ALU54B (SIGNEDP, MULT_BYPASS), divided clocks, global set/reset
// (all registers start as they please), and registers for SIGNEDA and SIGNEDB, which must not
// change. A parameter that asks for any of these names a module that does not exist, and so stops
// the tool; a pin that asks makes P undefined. A clock enable other than CE0 for the OUTPUT register
// stops the tool too: the parameter exists, but nextpnr has nothing to write for it.

module mult18x18d_register #(
    parameter WIDTH = 1,
    parameter CLK = "NONE",
    parameter CE = "CE0",
    parameter RST = "RST0"
) (
    input [3:0] clks, ces, rsts,
    input [WIDTH-1:0] d,
    output [WIDTH-1:0] q
);
    wire ce = CE == "CE0" ? ces[0] : CE == "CE1" ? ces[1] : CE == "CE2" ? ces[2] :
              CE == "CE3" ? ces[3] : 1'bx;
    wire rst = RST == "RST0" ? rsts[0] : RST == "RST1" ? rsts[1] : RST == "RST2" ? rsts[2] :
               RST == "RST3" ? rsts[3] : 1'bx;

    generate if (CLK == "NONE") begin : bypassed
        assign q = d;
    end else begin : registered
        wire clk = CLK == "CLK0" ? clks[0] : CLK == "CLK1" ? clks[1] : CLK == "CLK2" ? clks[2] :
                   CLK == "CLK3" ? clks[3] : 1'bx;
        reg [WIDTH-1:0] value;
        always @(posedge clk)
            if (rst) value <= 0;
            else if (ce) value <= d;
        assign q = value;
    end endgenerate
endmodule

module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE",
    parameter REG_INPUTA_CE = "CE0",
    parameter REG_INPUTA_RST = "RST0",
    parameter REG_INPUTB_CLK = "NONE",
    parameter REG_INPUTB_CE = "CE0",
    parameter REG_INPUTB_RST = "RST0",
    parameter REG_INPUTC_CLK = "NONE",
    parameter REG_PIPELINE_CLK = "NONE",
    parameter REG_PIPELINE_CE = "CE0",
    parameter REG_PIPELINE_RST = "RST0",
    parameter REG_OUTPUT_CLK = "NONE",
    parameter REG_OUTPUT_CE = "CE0",
    parameter REG_OUTPUT_RST = "RST0",
    parameter CLK0_DIV = "ENABLED",
    parameter GSR = "ENABLED",
    parameter SOURCEB_MODE = "B_SHIFT",
    parameter MULT_BYPASS = "DISABLED",
    parameter RESETMODE = "SYNC"
) (
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    output P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    generate if (REG_INPUTC_CLK != "NONE" || REG_OUTPUT_CE != "CE0" || CLK0_DIV != "ENABLED" ||
                 SOURCEB_MODE != "B_SHIFT" || MULT_BYPASS != "DISABLED" || RESETMODE != "SYNC")
        MULT18X18D_parameter_not_modelled not_modelled ();
    endgenerate

    wire [3:0] clks = {CLK3, CLK2, CLK1, CLK0};
    wire [3:0] ces = {CE3, CE2, CE1, CE0};
    wire [3:0] rsts = {RST3, RST2, RST1, RST0};
    wire [17:0] a, b;
    wire [35:0] product, staged, p;

    mult18x18d_register #(18, REG_INPUTA_CLK, REG_INPUTA_CE, REG_INPUTA_RST) input_a
        (clks, ces, rsts, {A17, A16, A15, A14, A13, A12, A11, A10, A9,
                           A8, A7, A6, A5, A4, A3, A2, A1, A0}, a);
    mult18x18d_register #(18, REG_INPUTB_CLK, REG_INPUTB_CE, REG_INPUTB_RST) input_b
        (clks, ces, rsts, {B17, B16, B15, B14, B13, B12, B11, B10, B9,
                           B8, B7, B6, B5, B4, B3, B2, B1, B0}, b);

    // Extended to the width of the product, signed and unsigned numbers multiply alike.
    assign product = {{18{SIGNEDA & a[17]}}, a} * {{18{SIGNEDB & b[17]}}, b};

    mult18x18d_register #(36, REG_PIPELINE_CLK, REG_PIPELINE_CE, REG_PIPELINE_RST) pipeline
        (clks, ces, rsts, product, staged);
    mult18x18d_register #(36, REG_OUTPUT_CLK, REG_OUTPUT_CE, REG_OUTPUT_RST) result
        (clks, ces, rsts, staged, p);

    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
            P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0}
        = SOURCEA || SOURCEB ? 36'bx : p;
endmodule
