// Models of the Gowin block RAM in its forms SP, SPX9, SDPB, SDPX9B, DPB and DPX9B, for simulation.
// They are not Gowin's.
//
// Written for this project, with no vendor's text: ports and parameters are those of Yosys' empty
// cells (share/gowin/cells_xtra_gw1n.v), and which pins a width uses is what Yosys' own mapping of
// memories (share/gowin/brams_map.v) connects. They have been compared with no chip.
//
// What they model: words of 1 to 36 bits, initial values, and the enables of bytes, which the lowest
// pins of an address are where a word has two or four bytes. A port that reads and writes keeps its
// word while it writes (WRITE_MODE 0), or shows what it writes (1). What a port reads of a word that
// the other one writes is undefined.
//
// What they leave out: output registers, ports of different widths or clocks, resets, block select,
// a port that shows the word before it writes. A parameter that asks for one of these names a module
// that does not exist, and so stops the tool; a pin that asks makes what is read undefined.

`define GOWIN_INIT_PARAMETERS parameter [32*BYTE-1:0] \
        INIT_RAM_00 = 0, INIT_RAM_01 = 0, INIT_RAM_02 = 0, INIT_RAM_03 = 0, \
        INIT_RAM_04 = 0, INIT_RAM_05 = 0, INIT_RAM_06 = 0, INIT_RAM_07 = 0, \
        INIT_RAM_08 = 0, INIT_RAM_09 = 0, INIT_RAM_0A = 0, INIT_RAM_0B = 0, \
        INIT_RAM_0C = 0, INIT_RAM_0D = 0, INIT_RAM_0E = 0, INIT_RAM_0F = 0, \
        INIT_RAM_10 = 0, INIT_RAM_11 = 0, INIT_RAM_12 = 0, INIT_RAM_13 = 0, \
        INIT_RAM_14 = 0, INIT_RAM_15 = 0, INIT_RAM_16 = 0, INIT_RAM_17 = 0, \
        INIT_RAM_18 = 0, INIT_RAM_19 = 0, INIT_RAM_1A = 0, INIT_RAM_1B = 0, \
        INIT_RAM_1C = 0, INIT_RAM_1D = 0, INIT_RAM_1E = 0, INIT_RAM_1F = 0, \
        INIT_RAM_20 = 0, INIT_RAM_21 = 0, INIT_RAM_22 = 0, INIT_RAM_23 = 0, \
        INIT_RAM_24 = 0, INIT_RAM_25 = 0, INIT_RAM_26 = 0, INIT_RAM_27 = 0, \
        INIT_RAM_28 = 0, INIT_RAM_29 = 0, INIT_RAM_2A = 0, INIT_RAM_2B = 0, \
        INIT_RAM_2C = 0, INIT_RAM_2D = 0, INIT_RAM_2E = 0, INIT_RAM_2F = 0, \
        INIT_RAM_30 = 0, INIT_RAM_31 = 0, INIT_RAM_32 = 0, INIT_RAM_33 = 0, \
        INIT_RAM_34 = 0, INIT_RAM_35 = 0, INIT_RAM_36 = 0, INIT_RAM_37 = 0, \
        INIT_RAM_38 = 0, INIT_RAM_39 = 0, INIT_RAM_3A = 0, INIT_RAM_3B = 0, \
        INIT_RAM_3C = 0, INIT_RAM_3D = 0, INIT_RAM_3E = 0, INIT_RAM_3F = 0;

`define GOWIN_INIT_VALUES { \
        INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, \
        INIT_RAM_3B, INIT_RAM_3A, INIT_RAM_39, INIT_RAM_38, \
        INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, \
        INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, \
        INIT_RAM_2F, INIT_RAM_2E, INIT_RAM_2D, INIT_RAM_2C, \
        INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
        INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, \
        INIT_RAM_23, INIT_RAM_22, INIT_RAM_21, INIT_RAM_20, \
        INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, \
        INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, \
        INIT_RAM_17, INIT_RAM_16, INIT_RAM_15, INIT_RAM_14, \
        INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
        INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, \
        INIT_RAM_0B, INIT_RAM_0A, INIT_RAM_09, INIT_RAM_08, \
        INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, \
        INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00}

module gowin_ram #(
    parameter BYTE = 8,    // bits of a byte: 8 or 9
    parameter WIDTH = 32,  // bits of a word
    parameter WRITE_MODE_A = 0,
    parameter WRITE_MODE_B = 0,
    parameter [2048*BYTE-1:0] INIT = 0
) (
    input clk, strange,
    input ce_a, write_a, ce_b, write_b,
    input [13:0] address_a, address_b,
    input [35:0] given_a, given_b,
    output reg [35:0] shown_a, shown_b
);
    localparam UNIT = WIDTH < BYTE ? WIDTH : BYTE;     // bits that are written together
    localparam UNITS = WIDTH / UNIT;
    localparam SHIFT = $clog2(UNITS * (UNIT == BYTE ? 8 : UNIT));
    localparam WORDS = 16384 >> SHIFT;

    generate
        if (UNIT * UNITS != WIDTH || (UNITS != 1 && UNITS != 2 && UNITS != 4)
            || WRITE_MODE_A > 1 || WRITE_MODE_B > 1)
            gowin_ram_is_not_modelled_like_this stop();
    endgenerate

    reg [WIDTH-1:0] words [0:WORDS-1];
    integer i;
    initial for (i = 0; i < WORDS; i = i + 1) words[i] = INIT[i*WIDTH +: WIDTH];

    function [WIDTH-1:0] mixed(input [WIDTH-1:0] old, given, input [3:0] enables);
        integer unit;
        for (unit = 0; unit < UNITS; unit = unit + 1)
            mixed[unit*UNIT +: UNIT] = UNITS == 1 || enables[unit] ? given[unit*UNIT +: UNIT]
                                                                   : old[unit*UNIT +: UNIT];
    endfunction

    wire [13:0] row_a = address_a >> SHIFT, row_b = address_b >> SHIFT;
    wire [WIDTH-1:0] new_a = mixed(words[row_a], given_a[WIDTH-1:0], address_a[3:0]);
    wire [WIDTH-1:0] new_b = mixed(words[row_b], given_b[WIDTH-1:0], address_b[3:0]);
    wire writes_a = ce_a && write_a, writes_b = ce_b && write_b;

    always @(posedge clk) begin
        if (ce_a && (!write_a || WRITE_MODE_A == 1))
            shown_a <= strange || (writes_b && row_a == row_b) ? {36{1'bx}}
                       : {36'b0, write_a ? new_a : words[row_a]};
        if (ce_b && (!write_b || WRITE_MODE_B == 1))
            shown_b <= strange || (writes_a && row_a == row_b) ? {36{1'bx}}
                       : {36'b0, write_b ? new_b : words[row_b]};
        if (writes_a) words[row_a] <= new_a;
        if (writes_b) words[row_b] <= new_b;
    end
endmodule

module SP (
    input CLK, CE, OCE, RESET, WRE,
    input [2:0] BLKSEL,
    input [13:0] AD,
    input [31:0] DI,
    output [31:0] DO
);
    localparam BYTE = 8;
    parameter [0:0] READ_MODE = 1'b0;
    parameter [1:0] WRITE_MODE = 2'b00;
    parameter BIT_WIDTH = 32;
    parameter [2:0] BLK_SEL = 3'b000;
    parameter RESET_MODE = "SYNC";
    `GOWIN_INIT_PARAMETERS

    generate if (READ_MODE) gowin_ram_is_not_modelled_like_this stop(); endgenerate
    wire [35:0] shown;
    gowin_ram #(.BYTE(BYTE), .WIDTH(BIT_WIDTH), .WRITE_MODE_A(WRITE_MODE),
                .INIT(`GOWIN_INIT_VALUES)) ram (
        .clk(CLK), .strange(RESET || BLKSEL != BLK_SEL), .ce_a(CE), .write_a(WRE),
        .address_a(AD), .given_a({4'b0, DI}), .shown_a(shown),
        .ce_b(1'b0), .write_b(1'b0), .address_b(14'b0), .given_b(36'b0), .shown_b());
    assign DO = shown[31:0];
endmodule

module SPX9 (
    input CLK, CE, OCE, RESET, WRE,
    input [2:0] BLKSEL,
    input [13:0] AD,
    input [35:0] DI,
    output [35:0] DO
);
    localparam BYTE = 9;
    parameter [0:0] READ_MODE = 1'b0;
    parameter [1:0] WRITE_MODE = 2'b00;
    parameter BIT_WIDTH = 36;
    parameter [2:0] BLK_SEL = 3'b000;
    parameter RESET_MODE = "SYNC";
    `GOWIN_INIT_PARAMETERS

    generate if (READ_MODE) gowin_ram_is_not_modelled_like_this stop(); endgenerate
    wire [35:0] shown;
    gowin_ram #(.BYTE(BYTE), .WIDTH(BIT_WIDTH), .WRITE_MODE_A(WRITE_MODE),
                .INIT(`GOWIN_INIT_VALUES)) ram (
        .clk(CLK), .strange(RESET || BLKSEL != BLK_SEL), .ce_a(CE), .write_a(WRE),
        .address_a(AD), .given_a(DI), .shown_a(shown),
        .ce_b(1'b0), .write_b(1'b0), .address_b(14'b0), .given_b(36'b0), .shown_b());
    assign DO = shown[35:0];
endmodule

module SDPB (
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB,
    input [13:0] ADA, ADB,
    input [31:0] DI,
    input [2:0] BLKSELA, BLKSELB,
    output [31:0] DO
);
    localparam BYTE = 8;
    parameter [0:0] READ_MODE = 1'b0;
    parameter BIT_WIDTH_0 = 32;
    parameter BIT_WIDTH_1 = 32;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    `GOWIN_INIT_PARAMETERS

    generate
        if (READ_MODE || BIT_WIDTH_0 != BIT_WIDTH_1) gowin_ram_is_not_modelled_like_this stop();
    endgenerate
    wire [35:0] shown;
    gowin_ram #(.BYTE(BYTE), .WIDTH(BIT_WIDTH_0), .INIT(`GOWIN_INIT_VALUES)) ram (
        .clk(CLKA),
        .strange(RESETA || RESETB || BLKSELA != BLK_SEL_0 || BLKSELB != BLK_SEL_1),
        .ce_a(CEA), .write_a(1'b1), .address_a(ADA), .given_a({4'b0, DI}), .shown_a(),
        .ce_b(CEB), .write_b(1'b0), .address_b(ADB), .given_b(36'b0), .shown_b(shown));
    assign DO = shown[31:0];
endmodule

module SDPX9B (
    input CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB,
    input [13:0] ADA, ADB,
    input [35:0] DI,
    input [2:0] BLKSELA, BLKSELB,
    output [35:0] DO
);
    localparam BYTE = 9;
    parameter [0:0] READ_MODE = 1'b0;
    parameter BIT_WIDTH_0 = 36;
    parameter BIT_WIDTH_1 = 36;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    `GOWIN_INIT_PARAMETERS

    generate
        if (READ_MODE || BIT_WIDTH_0 != BIT_WIDTH_1) gowin_ram_is_not_modelled_like_this stop();
    endgenerate
    wire [35:0] shown;
    gowin_ram #(.BYTE(BYTE), .WIDTH(BIT_WIDTH_0), .INIT(`GOWIN_INIT_VALUES)) ram (
        .clk(CLKA),
        .strange(RESETA || RESETB || BLKSELA != BLK_SEL_0 || BLKSELB != BLK_SEL_1),
        .ce_a(CEA), .write_a(1'b1), .address_a(ADA), .given_a(DI), .shown_a(),
        .ce_b(CEB), .write_b(1'b0), .address_b(ADB), .given_b(36'b0), .shown_b(shown));
    assign DO = shown[35:0];
endmodule

module DPB (
    input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
    input [13:0] ADA, ADB,
    input [15:0] DIA, DIB,
    input [2:0] BLKSELA, BLKSELB,
    output [15:0] DOA, DOB
);
    localparam BYTE = 8;
    parameter [0:0] READ_MODE0 = 1'b0;
    parameter [0:0] READ_MODE1 = 1'b0;
    parameter [1:0] WRITE_MODE0 = 2'b00;
    parameter [1:0] WRITE_MODE1 = 2'b00;
    parameter BIT_WIDTH_0 = 16;
    parameter BIT_WIDTH_1 = 16;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    `GOWIN_INIT_PARAMETERS

    generate
        if (READ_MODE0 || READ_MODE1 || BIT_WIDTH_0 != BIT_WIDTH_1)
            gowin_ram_is_not_modelled_like_this stop();
    endgenerate
    wire [35:0] shown_a, shown_b;
    gowin_ram #(.BYTE(BYTE), .WIDTH(BIT_WIDTH_0), .WRITE_MODE_A(WRITE_MODE0),
                .WRITE_MODE_B(WRITE_MODE1), .INIT(`GOWIN_INIT_VALUES)) ram (
        .clk(CLKA),
        .strange(RESETA || RESETB || BLKSELA != BLK_SEL_0 || BLKSELB != BLK_SEL_1),
        .ce_a(CEA), .write_a(WREA), .address_a(ADA), .given_a({20'b0, DIA}),
        .shown_a(shown_a),
        .ce_b(CEB), .write_b(WREB), .address_b(ADB), .given_b({20'b0, DIB}),
        .shown_b(shown_b));
    assign DOA = shown_a[15:0];
    assign DOB = shown_b[15:0];
endmodule

module DPX9B (
    input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
    input [13:0] ADA, ADB,
    input [17:0] DIA, DIB,
    input [2:0] BLKSELA, BLKSELB,
    output [17:0] DOA, DOB
);
    localparam BYTE = 9;
    parameter [0:0] READ_MODE0 = 1'b0;
    parameter [0:0] READ_MODE1 = 1'b0;
    parameter [1:0] WRITE_MODE0 = 2'b00;
    parameter [1:0] WRITE_MODE1 = 2'b00;
    parameter BIT_WIDTH_0 = 18;
    parameter BIT_WIDTH_1 = 18;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    `GOWIN_INIT_PARAMETERS

    generate
        if (READ_MODE0 || READ_MODE1 || BIT_WIDTH_0 != BIT_WIDTH_1)
            gowin_ram_is_not_modelled_like_this stop();
    endgenerate
    wire [35:0] shown_a, shown_b;
    gowin_ram #(.BYTE(BYTE), .WIDTH(BIT_WIDTH_0), .WRITE_MODE_A(WRITE_MODE0),
                .WRITE_MODE_B(WRITE_MODE1), .INIT(`GOWIN_INIT_VALUES)) ram (
        .clk(CLKA),
        .strange(RESETA || RESETB || BLKSELA != BLK_SEL_0 || BLKSELB != BLK_SEL_1),
        .ce_a(CEA), .write_a(WREA), .address_a(ADA), .given_a({18'b0, DIA}),
        .shown_a(shown_a),
        .ce_b(CEB), .write_b(WREB), .address_b(ADB), .given_b({18'b0, DIB}),
        .shown_b(shown_b));
    assign DOA = shown_a[17:0];
    assign DOB = shown_b[17:0];
endmodule
